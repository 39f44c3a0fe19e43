"""Moves by rules and by the clock: a person's move holds against both; guards and limits bind rules, not people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.stages import Moved, move_by, timed_moves
from bot.customers.state import load_customer
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.store import Store
from bot.platform.work import Work
from tests.support.mirrors import replayed
from tests.support.moves import CONFIG, NAME, NOW, add_customer, at, drag, ledger, tag


@pytest.fixture(scope="module")
def settings() -> Settings:
    return parse_settings(CONFIG)


@pytest.fixture
def customer(store: Store, settings: Settings) -> str:
    return add_customer(store, settings)


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
