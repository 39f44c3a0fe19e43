"""A person's move is written down and can be undone; what cannot be done is refused in words."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_moves import MoveRefusedError, move_by_hand, undo_move
from bot.customers.state import CustomerState, last_move
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.models import SopEnrolment
from bot.platform.work import Work
from tests.support.mirrors import replayed
from tests.support.moves import CONFIG, NAME, NOW, add_customer, at, drag, ledger, tag


@pytest.fixture(scope="module")
def settings() -> Settings:
    return parse_settings(CONFIG)


@pytest.fixture
def customer(store: Store, settings: Settings) -> str:
    return add_customer(store, settings)


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
