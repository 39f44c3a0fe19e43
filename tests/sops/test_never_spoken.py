"""Customers who never spoke are silent since they were added: only once it is switched on, and so many a day."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.work import Work
from bot.sops.enrolment import start_silence_sops
from bot.sops.never_spoken import preview_never_spoken, take_up_never_spoken
from tests.support.engine import Engine, engine

CONFIG = """
[workspace]
silent_since = 2026-03-01
silent_ramp = 3

[[rules]]
id = "quiet"
tag = "没说过话"
on = ["silence:2d"]

[[sops]]
id = "wake"
title = "打个招呼"
on = "silence:3d"
stop = ["reply"]

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "在忙吗"
"""
OFF = CONFIG.replace("silent_since = 2026-03-01\n", "")


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-03-02T10:00")


def tick(world: Engine, limit: int = 500) -> int:
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        start_silence_sops(work)
        return take_up_never_spoken(work, limit)


def on_it(world: Engine, customers: list[str]) -> int:
    return sum(world.enrolled(who) == ["wake"] for who in customers)


def test_silence_counts_from_when_they_were_added(world: Engine) -> None:
    who = world.customer()
    world.later(days=2, minutes=1)
    tick(world)
    assert (world.enrolled(who), world.tags(who)) == ([], {"没说过话"})
    world.later(days=1)
    tick(world)
    assert world.enrolled(who) == ["wake"]
    for _ in range(5):
        world.later(days=1)
        tick(world)
    assert world.enrolled(who) == ["wake"]  # once, until they say something


def test_who_was_added_long_before_is_silent_since_the_day_that_is_given(world: Engine) -> None:
    world.now -= timedelta(days=100)
    who = world.customer()
    world.now += timedelta(days=100)  # 2 March, the day after
    tick(world)
    assert world.enrolled(who) == []
    world.later(days=2)
    tick(world)
    assert world.enrolled(who) == ["wake"]


def test_without_the_day_nobody_who_never_spoke_is_silent(store: Store) -> None:
    world = engine(store, OFF, "2026-03-02T10:00")
    who = world.customer()
    world.later(days=30)
    tick(world)
    assert (world.enrolled(who), world.tags(who)) == ([], set())


def test_many_are_taken_up_so_many_a_day(world: Engine) -> None:
    many = [world.customer() for _ in range(8)]
    world.later(days=4)
    for _ in range(6):
        tick(world, limit=2)
    assert on_it(world, many) == 3
    world.later(days=1)
    for _ in range(6):
        tick(world, limit=2)
    assert on_it(world, many) == 6
    world.later(days=1)
    for _ in range(6):
        tick(world, limit=2)
    assert on_it(world, many) == 8


def test_whoever_speaks_or_has_no_agent_any_more_is_left_out(world: Engine) -> None:
    who = world.customer()
    world.later(days=2)
    world.say(who, world.userid, "你好")
    world.later(days=2)
    tick(world)
    assert world.enrolled(who) == []
    world.later(days=1, minutes=1)
    tick(world)
    assert world.enrolled(who) == ["wake"]  # as always: three days after their word


def test_the_preview_says_how_many_before_it_is_switched_on(store: Store) -> None:
    world = engine(store, OFF, "2026-03-02T10:00")
    for _ in range(7):
        world.customer()
    world.later(days=2, minutes=1)
    with world.store.read() as session:
        found = preview_never_spoken(Work(session, world.settings, world.now))
    assert [(one.name, one.waiting, one.days) for one in found] == [("打个招呼", 0, 0), ("quiet", 7, 3)]


def test_the_day_is_a_date() -> None:
    assert parse_settings(CONFIG).workspace.silent_ramp == 3
