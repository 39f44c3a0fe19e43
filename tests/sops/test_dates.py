"""Birthdays, fixed dates and cycles start SOPs; audiences and fields."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.customers.state import load_customer
from bot.customers.tags import TagSource, give_tag
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer
from bot.platform.work import Work
from bot.sops.dates import next_state, start_dated_sops
from bot.sops.edit_choice import Reaching, choose
from bot.worker.timed_work import CHUNK
from tests.sops.test_replanning import edit, keep
from tests.support.engine import Engine, engine, local

CONFIG = """
[workspace]
name = "测试学堂"
workdays = "everyday"

[[fields]]
name = "school"
title = "学校"

[[tags]]
group = "意向"
names = ["高意向"]

[[pipelines]]
name = "转化"
stages = [{ name = "新线索", on = ["@added"] }, { name = "流失", on = ["@lost"], lost = true }]

[[sops]]
id = "birthday"
on = "date:birthday-3d"
again = "30d"
  [[sops.steps]]
  at = "10:00"
  say = "{customer.name}好，{customer.birthday}是您生日，{customer.school|学校}的同学都祝您快乐"

[[sops]]
id = "monday"
on = "every:mon"
audience = { tags = ["高意向"], stages = ["新线索"] }
  [[sops.steps]]
  at = "10:00"
  say = "周一好"

[[sops]]
id = "first"
on = "@added"
stop = ["left"]
  [[sops.steps]]
  anytime = true
  say = "第一句话，想问问您平时喜欢拍些什么"
  reply_window = "2h"
"""


def look(world: Engine, limit: int = CHUNK) -> int:
    with world.store.write() as session:
        return start_dated_sops(Work(session, world.settings, world.now), limit)


def test_a_birthday_starts_its_sop_once_a_year(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-17T00:05")
    born, other = world.customer(birthday="1990-05-20", school="实验小学"), world.customer(birthday="1990-05-21")
    assert look(world) == 2
    assert (world.enrolled(born), world.enrolled(other)) == (["birthday"], [])
    (task,) = world.tasks(born)
    assert task.due_at == local("2026-05-17T10:00")
    assert task.text == "陈静好，5月20日是您生日，实验小学的同学都祝您快乐"
    assert task.why == "birthday：到了日子"
    assert look(world) == 0  # the day is done
    world.later(hours=20)
    assert look(world) == 0
    world.now = local("2026-05-18T00:01")
    look(world)
    assert (world.enrolled(born), world.enrolled(other)) == (["birthday"], ["birthday"])


def test_a_late_start_still_keeps_the_day(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-17T13:30")  # the scheduler was down in the morning
    who = world.customer(birthday="1990-05-20")
    look(world)
    (task,) = world.tasks(who)
    assert (task.due_at, task.state) == (local("2026-05-17T13:30"), "queued")


@pytest.mark.parametrize("reaching", ["all", "anew"])
def test_an_edited_sop_of_a_day_is_still_counted_from_that_day(store: Store, reaching: Reaching) -> None:
    later = '  [[sops.steps]]\n  after = "1d"\n  at = "10:00"\n  say = "昨天过得开心吗"\n'
    before = CONFIG.replace('都祝您快乐"\n', '都祝您快乐"\n' + later)
    world = engine(store, before, "2026-05-17T13:30")
    keep(world)
    who = world.customer(birthday="1990-05-20")
    look(world)
    assert [task.due_at for task in world.tasks(who)][1:] == [local("2026-05-18T10:00")]
    edited = before.replace('after = "1d"\n  at = "10:00"', 'after = "1d"\n  at = "09:30"')
    with store.write() as session:
        choose(session, parse_settings(edited).tables.sops[0], reaching, "admin", world.now)
    edit(world, edited)
    assert world.tasks(who)[-1].due_at == local("2026-05-18T09:30")


def test_customers_are_looked_at_in_portions_and_a_crash_repeats_none(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-17T00:05")
    people = [world.customer(birthday="1990-05-20") for _ in range(5)]
    assert [look(world, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert [world.enrolled(who) for who in people] == [["birthday"]] * 5


def test_a_cycle_takes_its_audience_only(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-18T00:05")  # a Monday
    keen, cool, gone = (world.customer() for _ in range(3))
    for who in (keen, cool, gone):
        world.happen(who, events=["@quit"] if who is cool else ["@added"])
    for who in (keen, gone):
        tag(world, who)
    world.happen(gone, "lost", events=["@lost"])
    look(world)
    assert "monday" in world.enrolled(keen)
    assert "monday" not in world.enrolled(cool)
    assert "monday" not in world.enrolled(gone)


def test_nobody_who_asked_for_peace_is_congratulated(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-17T00:05")
    who = world.customer(birthday="1990-05-20")
    with store.write() as session:
        session.query(Customer).update({"opted_out_at": world.now})
    look(world)
    assert world.enrolled(who) == []


@pytest.mark.parametrize(
    ("known", "today", "expected"),
    [
        pytest.param(None, "2026-05-17", ("2026-05-17", 0, False), id="the first start ever"),
        pytest.param(("2026-05-16", 9, True), "2026-05-17", ("2026-05-17", 0, False), id="a new day"),
        pytest.param(("2026-05-17", 9, True), "2026-05-17", ("2026-05-17", 9, True), id="done today"),
        pytest.param(("2026-05-16", 9, False), "2026-05-17", ("2026-05-16", 9, False), id="yesterday is unfinished"),
        pytest.param(("2026-05-14", 9, True), "2026-05-17", ("2026-05-16", 0, False), id="days were missed"),
    ],
)
def test_which_day_is_looked_at(
    known: tuple[str, int, bool] | None, today: str, expected: tuple[str, int, bool]
) -> None:
    before = None if known is None else {"day": known[0], "after": known[1], "done": known[2], "version": "v"}
    state = next_state(before, date.fromisoformat(today), "v")
    assert (state["day"], state["after"], state["done"]) == expected


def test_a_new_config_looks_at_its_day_again(store: Store) -> None:
    state = next_state({"day": "2026-05-17", "after": 9, "done": True, "version": "v"}, date(2026, 5, 17), "w")
    assert (state["after"], state["done"]) == (0, False)


def test_replies_of_rules_are_checked_like_other_texts() -> None:
    config = CONFIG + '\n[[rules]]\nid = "r"\ntag = "高意向"\nany = ["好"]\nreply = "{customer.shool}"\n'
    with pytest.raises(ConfigError, match=r"rules\[1\].reply: 没有占位符 .*是不是 \{customer.school\}"):
        parse_settings(config)


def test_the_config_warns_of_years_without_holidays_in_time() -> None:
    china = CONFIG.replace('"everyday"', '"china"')
    assert parse_settings(china, today=date(2026, 9, 1)).warnings == ()
    (warning,) = parse_settings(china, today=date(2026, 11, 20)).warnings
    assert "没有 2027 年" in warning


def tag(world: Engine, who: str) -> None:
    with world.store.write() as session:
        state = load_customer(session, session.query(Customer).filter_by(external_userid=who).one())
        give_tag(Work(session, world.settings, world.now - timedelta(hours=1)), state, "高意向", TagSource("human"))
