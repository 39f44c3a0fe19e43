"""SOPs started, stopped and previewed by hand."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_enrolment import (
    EnrolRefusedError,
    enrol_by_hand,
    find_sop,
    preview_for,
    preview_imagined,
    stop_by_hand,
)
from bot.customers.state import CustomerState, load_customer
from bot.platform.database.store import Store
from bot.platform.models import Customer, Outbox
from bot.platform.work import Work
from tests.support.engine import Engine, engine, local

CONFIG = """
[workspace]
workdays = "china"

[budget]
customer = "1/day"

[[pipelines]]
name = "转化"
stages = [{ name = "新线索", on = ["@added"] }]

[[sops]]
id = "hello"
title = "问候"
on = "@added"
  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "{customer.name}您好"
  [[sops.steps]]
  after = "2d"
  at = "10:00"
  say = "再问候一次"

[[sops]]
id = "sale"
on = "date:2026-06-01"
audience = { stages = ["新线索"] }
again = "never"
  [[sops.steps]]
  anytime = true
  say = "活动开始了"
  [[sops.steps]]
  on_date = 2026-05-15
  at = "10:00"
  say = "活动快结束了"
"""


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-04-29T15:00")


def state(session: Session, who: str) -> CustomerState:
    return load_customer(session, session.scalars(select(Customer).where(Customer.external_userid == who)).one())


def enrol(world: Engine, who: str, sop: str) -> list[str]:
    with world.store.write() as session:
        made = enrol_by_hand(Work(session, world.settings, world.now), state(session, who), sop, "admin")
        return [task.state for task in made.tasks]


def test_by_hand_any_customer_may_be_enrolled_once(world: Engine) -> None:
    who = world.customer()  # in no stage, so the audience is not theirs
    assert enrol(world, who, "sale") == ["queued", "planned"]
    assert world.tasks(who)[0].why == "sale：手动加入"
    with pytest.raises(EnrolRefusedError, match="已经在这份跟进里"):
        enrol(world, who, "sale")


def test_by_hand_it_stops_and_what_waits_does_not_leave(world: Engine) -> None:
    who = world.customer()
    enrol(world, who, "sale")
    with world.store.write() as session:
        assert stop_by_hand(Work(session, world.settings, world.now), state(session, who), "sale", "admin") == 1
    assert {(task.state, task.ended_because) for task in world.tasks(who)} == {("cancelled", "人工停止（admin）")}
    assert [row.state for row in world.outbox("card")] == ["cancelled"]
    with world.store.write() as session:
        assert stop_by_hand(Work(session, world.settings, world.now), state(session, who), "sale", "admin") == 0
        with pytest.raises(EnrolRefusedError, match="没有跟进「nix」，可用的有：hello、sale"):
            stop_by_hand(Work(session, world.settings, world.now), state(session, who), "nix", "admin")
    with pytest.raises(EnrolRefusedError, match="只做一次"):
        enrol(world, who, "sale")


@pytest.mark.parametrize(
    ("change", "says"), [({"opted_out_at": "now"}, "不想再收到消息"), ({"follows": []}, "没有跟进的员工")]
)
def test_who_cannot_be_enrolled(world: Engine, change: dict[str, object], says: str) -> None:
    who = world.customer()
    with world.store.write() as session:
        known = state(session, who)
        known.customer.opted_out_at = world.now if "opted_out_at" in change else None
        for follow in known.follows if "follows" in change else ():
            follow.ended_at = world.now
    with pytest.raises(EnrolRefusedError, match=says):
        enrol(world, who, "sale")


def test_a_preview_explains_each_shift(world: Engine) -> None:
    prompts = preview_imagined(world.settings, find_sop(world.settings, "hello"), local("2026-04-30T15:00"))
    assert [prompt.at for prompt in prompts] == [local("2026-05-06T10:00"), local("2026-05-07T10:00")]
    assert [[shift.reason for shift in prompt.shifts] for prompt in prompts] == [
        ["假期顺延（劳动节）"], ["假期顺延（劳动节）", "超出频次（1/day）"],
    ]  # fmt: skip


def test_a_preview_of_a_customer_knows_what_else_they_get(world: Engine) -> None:
    who = world.customer()
    enrol(world, who, "sale")
    with world.store.read() as session:
        prompts = preview_for(
            Work(session, world.settings, world.now), state(session, who), find_sop(world.settings, "hello"), 30
        )
    assert [(prompt.sop_id, prompt.step, prompt.at) for prompt in prompts] == [
        ("hello", 0, local("2026-04-30T10:00")),
        ("hello", 1, local("2026-05-06T10:00")),
        ("sale", 1, local("2026-05-15T10:00")),
    ]
    assert prompts[0].text == "陈静您好"
    assert world.enrolled(who) == ["sale"]  # looking changes nothing
    with world.store.read() as session:
        assert len(session.scalars(select(Outbox)).all()) == 1
