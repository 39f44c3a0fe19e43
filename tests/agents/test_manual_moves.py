"""A person's move holds, is written down, and can be taken back; guards and limits bind rules, not people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_moves import MoveRefusedError, last_move, move_by_hand, undo_move
from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.stages import Cause, Moved, move_by, timed_moves
from bot.customers.state import CustomerState, load_customer
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import SopEnrolment, StageMove
from bot.platform.work import Work
from tests.support.mirrors import replayed

NOW = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
NAME = "转化"
CONFIG = """
[[tags]]
group = "进展"
names = ["已留电话", "已约试听", "已付款"]

[[pipelines]]
name = "转化"
hold = "24h"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "试听", on = ["已约试听"], needs = ["已留电话"] },
  { name = "正课", on = ["已付款"], min_score = 10, min_stay = "1h" },
  { name = "流失", on = ["@lost"], lost = true },
]

[[pipelines.moves]]
from = "试听"
to = "流失"
after = "2h"

[[pipelines]]
name = "门店"
agents = ["Lin"]
channels = ["store_*"]
stages = [{ name = "进店", on = ["@added"] }]

[[sops]]
id = "trial"
stage = "试听"
stop = ["moved"]
  [[sops.steps]]
  after = "1d"
  say = "明天见"
"""
Deed = Callable[[Session, CustomerState], None]


@pytest.fixture(scope="module")
def settings() -> Settings:
    return parse_settings(CONFIG)


@pytest.fixture
def customer(store: Store, settings: Settings) -> str:
    """Someone just added by Lin, through a store's code."""
    with store.write() as session:
        who = find_customers(session, ["wm1"], NOW)["wm1"]
        lin = find_agents(session, ["Lin"], NOW)["lin"]
        start_follow(session, lin, who, NOW, "store_east")
        session.flush()
        move_by(Work(session, settings, NOW), load_customer(session, who), ["@added"])
    return "wm1"


def at(store: Store, work: Callable[[Session, CustomerState], object]) -> None:
    """Do something with the customer in a transaction of its own."""
    with store.write() as session:
        work(session, load_customer(session, find_customers(session, ["wm1"], NOW)["wm1"]))


def drag(settings: Settings, to: str, now: datetime) -> Deed:
    def work(session: Session, state: CustomerState) -> None:
        move_by_hand(Work(session, settings, now), state, NAME, to, "wang")

    return work


def tag(settings: Settings, name: str, now: datetime, moves: list[Moved]) -> Deed:
    def work(session: Session, state: CustomerState) -> None:
        give_tag(Work(session, settings, now), state, name, TagSource("rule", f"命中 {name}"))
        moves.extend(move_by(Work(session, settings, now), state, [name], Cause(msgid="m1")))

    return work


def ledger(session: Session) -> list[StageMove]:
    return list(session.scalars(select(StageMove).where(StageMove.pipeline == NAME).order_by(StageMove.serial)))


def test_the_ledger_says_who_why_and_by_what(store: Store, settings: Settings, customer: str) -> None:
    at(store, lambda session, state: give_tag(Work(session, settings, NOW), state, "已留电话", TagSource("rule")))
    at(store, tag(settings, "已约试听", NOW, []))
    at(store, drag(settings, "新线索", NOW))
    with store.read() as session:
        rows = ledger(session)
    said = [(row.cause, row.actor, row.evidence, row.msgid) for row in rows]
    assert said == [
        ("event", "", "", None),
        ("tag", "", "命中 已约试听", "m1"),
        ("drag", "wang", "wang 在看板上移动", None),
    ]
    assert {row.version for row in rows} == {settings.version}
    assert replayed(rows) == "新线索"


@pytest.mark.parametrize(("hours", "moved"), [(23.9, 0), (24, 1)])
def test_a_persons_move_holds_against_rules(
    store: Store, settings: Settings, customer: str, hours: float, moved: int
) -> None:
    at(store, drag(settings, "正课", NOW))
    at(store, drag(settings, "新线索", NOW))
    at(store, lambda session, state: give_tag(Work(session, settings, NOW), state, "已留电话", TagSource("rule")))
    moves: list[Moved] = []
    at(store, tag(settings, "已约试听", NOW + timedelta(hours=hours), moves))
    assert len(moves) == moved


@pytest.mark.parametrize(("hours", "moved"), [(23.9, 0), (24.1, 1)])
def test_and_against_the_clock(store: Store, settings: Settings, customer: str, hours: float, moved: int) -> None:
    at(store, drag(settings, "试听", NOW))
    with store.write() as session:
        made = timed_moves(Work(session, settings, NOW + timedelta(hours=hours)))
        assert len(made) == moved
        assert [m.row.evidence for _, m in made] == ["客户 1 天没有说话"] * moved


def test_but_who_left_has_left(store: Store, settings: Settings, customer: str) -> None:
    at(store, drag(settings, "正课", NOW))
    at(store, lambda session, state: move_by(Work(session, settings, NOW), state, ["@lost"]))
    with store.read() as session:
        assert replayed(ledger(session)) == "流失"


def test_guards_bind_rules_and_not_people(store: Store, settings: Settings, customer: str) -> None:
    moves: list[Moved] = []
    at(store, tag(settings, "已约试听", NOW, moves))  # no 已留电话
    at(store, tag(settings, "已付款", NOW + timedelta(hours=2), moves))  # no score
    at(store, lambda session, state: setattr(state.customer, "conversion", 10))
    at(store, tag(settings, "已付款", NOW + timedelta(minutes=59), moves))  # too soon
    assert moves == []
    at(store, tag(settings, "已付款", NOW + timedelta(hours=1), moves))
    assert [m.row.to_stage for m in moves] == ["正课"]
    at(store, drag(settings, "试听", NOW))


@pytest.mark.parametrize(
    ("userid", "channel", "stands"),
    [("Lin", "store_9", True), ("LIN", "store_9", True), ("Chen", "store_9", False), ("Lin", "web", False)],
)
def test_a_limited_pipeline(store: Store, settings: Settings, userid: str, channel: str, stands: bool) -> None:
    with store.write() as session:
        who = find_customers(session, ["wm1"], NOW)["wm1"]
        start_follow(session, find_agents(session, [userid], NOW)[userid.casefold()], who, NOW, channel)
        session.flush()
        state = load_customer(session, who)
        move_by(Work(session, settings, NOW), state, ["@added"])
        assert ("门店" in state.placements, NAME in state.placements) == (stands, True)


def test_undo_leads_back_and_forgets_nothing(store: Store, settings: Settings, customer: str) -> None:
    at(store, drag(settings, "试听", NOW))

    def undo(session: Session, state: CustomerState) -> None:
        latest = last_move(session, state, NAME)
        assert latest is not None
        undo_move(Work(session, settings, NOW), state, latest.id, "wang")

    at(store, undo)
    with store.read() as session:
        rows = ledger(session)
        assert [(row.cause, row.to_stage) for row in rows][1:] == [("drag", "试听"), ("undo", "新线索")]
        assert rows[-1].evidence == "wang 撤销了「新线索」→「试听」"
        ended = session.scalars(select(SopEnrolment.ended_because)).all()
        assert len(ended) == 1  # the SOP of the stage undone has stopped, none has begun anew
        assert ended[0] is not None
    at(store, undo)
    with store.read() as session:
        assert replayed(ledger(session)) == "试听"


@pytest.mark.parametrize(("which", "why"), [("first", "第一步"), ("older", "又移动过"), ("foreign", "没有这次移动")])
def test_what_cannot_be_undone(store: Store, settings: Settings, customer: str, which: str, why: str) -> None:
    if which == "older":
        at(store, drag(settings, "试听", NOW))

    def undo(session: Session, state: CustomerState) -> None:
        number = 10**6 if which == "foreign" else ledger(session)[0].id
        undo_move(Work(session, settings, NOW), state, number, "wang")

    with pytest.raises(MoveRefusedError, match=why):
        at(store, undo)


@pytest.mark.parametrize(
    ("pipeline", "to", "why"), [("没有", "试听", "没有流程"), (NAME, "式听", "可选"), (NAME, "新线索", "已经在")]
)
def test_what_cannot_be_dragged(
    store: Store, settings: Settings, customer: str, pipeline: str, to: str, why: str
) -> None:
    def work(session: Session, state: CustomerState) -> None:
        move_by_hand(Work(session, settings, NOW), state, pipeline, to, "wang")

    with pytest.raises(MoveRefusedError, match=why):
        at(store, work)
