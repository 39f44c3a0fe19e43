"""Undoing a move undoes what followed from it: what it ended goes on, what it started ends, its card is closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from bot.agents.manual_moves import HandMove, move_by_hand, undo_move
from bot.customers.state import CustomerState, last_move, load_customer
from bot.platform.database.store import Store
from bot.platform.models import Customer, Outbox, SopEnrolment
from bot.platform.work import Work
from tests.support.engine import Engine, engine, local

CONFIG = """
[workspace]
workdays = "everyday"

[budget]
agent_gap = "0m"

[[pipelines]]
name = "转化"
stages = [
  { name = "新线索", on = ["@added"] }, { name = "试听", on = [] }, { name = "成交", on = [], won = true },
  { name = "流失", on = ["@lost"], lost = true },
]

[[sops]]
id = "lead"
title = "线索跟进"
stage = "新线索"
stop = ["moved", "lost", "won"]
  [[sops.steps]]
  anytime = true
  say = "第一句话"
  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "第二天再问一句"

[[sops]]
id = "added"
on = "@added"
stop = ["lost", "won"]
  [[sops.steps]]
  after = "3d"
  at = "10:00"
  say = "三天后"

[[sops]]
id = "trial"
title = "试听提醒"
stage = "试听"
stop = ["left"]
  [[sops.steps]]
  anytime = true
  say = "试听课这样来"
"""
Deed = Callable[[Work, CustomerState], HandMove]


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-05-12T10:00")


@pytest.fixture
def who(world: Engine) -> str:
    """A lead whose first card was sent and not yet answered."""
    who = world.customer()
    world.happen(who, events=["@added"])
    world.change(world.tasks(who, "lead")[0].id, state="delivered", delivered_at=world.now)
    world.later(minutes=5)
    return who


def do(world: Engine, who: str, deed: Deed) -> dict[str, list[str]]:
    """What it started, stopped and took up again."""
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        effects = deed(work, load_customer(session, customer)).effects
        session.flush()
        return {name: [e.sop_id for e in some] for name, some in vars(effects).items() if some}


def drag(to: str) -> Deed:
    return lambda work, state: move_by_hand(work, state, "转化", to, "wang")


def undo(work: Work, state: CustomerState) -> HandMove:
    latest = last_move(work.session, state, "转化")
    assert latest is not None
    return undo_move(work, state, latest.id, "wang")


def running(world: Engine) -> list[str]:
    with world.store.read() as session:
        query = select(SopEnrolment.sop_id).where(SopEnrolment.ended_at.is_(None)).order_by(SopEnrolment.id)
        return list(session.scalars(query))


@pytest.mark.parametrize("back", [undo, drag("新线索")], ids=["undone", "dragged back"])
def test_what_the_move_ended_goes_on_and_what_it_started_ends(world: Engine, who: str, back: Deed) -> None:
    assert do(world, who, drag("试听")) == {"started": ["trial"], "stopped": ["lead"]}
    assert running(world) == ["added", "trial"]
    assert world.tasks(who, "trial")[0].state == "queued"
    world.later(minutes=1)
    assert do(world, who, back) == {"stopped": ["trial"], "revived": ["lead"]}
    assert running(world) == ["lead", "added"]
    first, second = world.tasks(who, "lead")
    assert (first.state, first.due_at) == ("planned", world.now), "its card was closed, so it comes once more"
    assert (second.state, second.due_at) == ("planned", local("2026-05-13T10:00"))
    (trial,) = world.tasks(who, "trial")
    assert trial.state == "cancelled"
    cards = [row for row in world.outbox("card") if row.task_id == trial.id]
    assert [(row.state, row.error) for row in cards] == [("cancelled", trial.ended_because)]
    assert "撤销" in (trial.ended_because or "")


@pytest.mark.parametrize("to", ["流失", "成交"])
def test_a_card_taken_for_lost_or_won_by_mistake(world: Engine, who: str, to: str) -> None:
    assert do(world, who, drag(to)) == {"stopped": ["lead", "added"]}
    world.later(minutes=1)
    assert do(world, who, undo) == {"revived": ["lead", "added"]}
    assert running(world) == ["lead", "added"]


def test_undoing_the_undoing_leads_back_again(world: Engine, who: str) -> None:
    do(world, who, drag("试听"))
    do(world, who, undo)
    assert do(world, who, undo) == {"stopped": ["lead"], "revived": ["trial"]}
    assert running(world) == ["added", "trial"]


def test_who_wants_no_more_is_not_written_to_again(world: Engine, who: str) -> None:
    do(world, who, drag("试听"))
    world.say(who, "LinXiaoyu", "请不要再打扰我了")
    assert do(world, who, undo) == {}
    assert running(world) == []


def test_a_step_that_the_agent_declined_stays_declined(world: Engine, who: str) -> None:
    _, second = world.tasks(who, "lead")
    world.change(second.id, state="cancelled", rejected_because="timing", ended_because="员工认为不合适：时机不对")
    do(world, who, drag("试听"))
    do(world, who, undo)
    assert [task.state for task in world.tasks(who, "lead")] == ["planned", "cancelled"]


def test_a_card_sent_by_the_undone_move_is_closed_on_the_phone(world: Engine, who: str) -> None:
    do(world, who, drag("试听"))
    (trial,) = world.tasks(who, "trial")
    with world.store.write() as session:
        row = session.scalars(select(Outbox).where(Outbox.task_id == trial.id, Outbox.kind == "card")).one()
        row.state, row.result, row.done_at = "sent", {"response_code": "code"}, world.now
        row.payload = {"userid": "LinXiaoyu", "card": {}}
    world.change(trial.id, state="delivered", delivered_at=world.now)
    do(world, who, undo)
    closed = [row.payload["settled"] for row in world.outbox("card_change") if row.task_id == trial.id]
    assert closed == ["那次移动已撤销"]
