"""SOPs that are held with all who are on them, and SOPs that are only tried on what comes in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select

from bot.agents.manual_enrolment import EnrolRefusedError, enrol_by_hand
from bot.customers.state import load_customer
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import AuditEntry, Customer, ShadowStart
from bot.platform.work import Work
from bot.sops.enrolment import start_silence_sops
from bot.sops.holding import HoldRefusedError, Resumed, hold, resume
from bot.sops.prompts import prompt_due
from bot.sops.shadow import shadow_figures
from sop.playbook import Sop
from tests.support.engine import Engine, engine, local

T = TypeVar("T")
CONFIG = """
[workspace]
workdays = "everyday"

[[sops]]
id = "welcome"
on = "@added"
stop = ["left"]
  [[sops.steps]]
  after = "2h"
  say = "第一句"
  [[sops.steps]]
  after = "2d"
  say = "第二句"
  [[sops.steps]]
  on_date = 2026-05-13
  at = "10:00"
  say = "店庆"
"""


def prompt(world: Engine) -> None:
    with world.store.write() as session:
        prompt_due(Work(session, world.settings, world.now))


def act(world: Engine, what: Callable[[Work, Sop, str], T]) -> T:
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        return what(work, world.settings.sops["welcome"], "admin")


def test_a_held_sop_prompts_nobody_and_goes_on_as_much_later_as_it_was_held(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    who, late = world.customer(), world.customer()
    world.happen(who, events=["@added"])
    before = {task.step: (task.due_at, task.expires_at) for task in world.tasks(who)}
    world.later(hours=1)
    act(world, hold)
    with pytest.raises(HoldRefusedError):
        act(world, hold)
    for _ in range(3):
        world.later(days=2)
        prompt(world)
    assert world.outbox("card") == []
    world.happen(late, events=["@added"])
    assert world.enrolled(late) == [], "nobody begins it meanwhile"
    done = act(world, resume)
    assert done == Resumed(shifted=2, over=1, length=timedelta(days=6))
    by_words = {task.wording: task for task in world.tasks(who)}
    for words in ("第一句", "第二句"):
        task = by_words[words]
        due, expires = before[task.step]
        assert (task.due_at, task.expires_at) == (due + done.length, expires + done.length)
        assert [shift[0] for shift in task.shifts].count("这份跟进暂停了") == 1
    assert (by_words["店庆"].state, by_words["店庆"].due_at) == ("expired", before[by_words["店庆"].step][0])
    world.now = by_words["第一句"].due_at
    prompt(world)
    assert [row.task_id for row in world.outbox("card")] == [by_words["第一句"].id]
    with pytest.raises(HoldRefusedError):
        act(world, resume)
    with store.read() as session:
        assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all() == ["sop.hold", "sop.resume"]


def test_a_tried_sop_notes_with_whom_it_would_have_begun_and_prompts_nobody(store: Store) -> None:
    tried = CONFIG.replace('stop = ["left"]', "shadow = true").replace('"@added"', '"@spoke"')
    world = engine(store, tried, "2026-05-12T10:00")
    who, other = world.customer(), world.customer()
    for _ in range(3):  # still on it the second time; from the start anew once its last step is over
        world.say(who, "LinXiaoyu", "在吗")
        world.later(days=4)
    world.say(other, "LinXiaoyu", "你好")
    assert (world.enrolled(who), world.tasks(who), world.outbox("card")) == ([], [], [])
    with store.read() as session:
        figures = shadow_figures(session, "welcome", local("2026-05-01T00:00"), Customer.id > 0)
        assert (figures.customers, figures.starts, figures.right, figures.wrong) == (2, 3, 0, 0)
        customer = session.scalars(select(Customer).where(Customer.external_userid == who)).one()
        work = Work(session, world.settings, world.now)
        with pytest.raises(EnrolRefusedError, match="试听"):
            enrol_by_hand(work, load_customer(session, customer), "welcome", "admin")
    world.settings = parse_settings(tried.replace("shadow = true", "shadow = false"), examples=False)
    world.say(who, "LinXiaoyu", "在吗")
    assert world.enrolled(who) == ["welcome"], "what was only tried does not count"


def test_a_tried_silence_is_noted_once(store: Store) -> None:
    tried = CONFIG.replace('stop = ["left"]', "shadow = true").replace('"@added"', '"silence:1d"')
    world = engine(store, tried, "2026-05-12T10:00")
    who = world.customer()
    world.say(who, "LinXiaoyu", "在吗")
    world.later(days=1, minutes=5)
    for _ in range(2):
        with store.write() as session:
            start_silence_sops(Work(session, world.settings, world.now))
    with store.read() as session:
        assert len(session.scalars(select(ShadowStart)).all()) == 1


def test_an_sop_for_groups_cannot_be_tried(store: Store) -> None:
    with pytest.raises(ConfigError):
        parse_settings(CONFIG.replace('stop = ["left"]', 'shadow = true\naudience = "group"'), examples=False)
