"""Customers whose first step was prompted, and the lists and reminders about them."""

from __future__ import annotations

from bot.agents.daily_list import put_daily_lists
from bot.platform.work import Work
from tests.support.engine import Engine

CONFIG = """
[workspace]
workdays = "china"
quiet_hours = "22:00-08:00"

[overdue]
remind_after = "2h"
reminders = 2
leader_after = "5h"
leaders = ["ChenGuoan"]

[[pipelines]]
name = "转化"
stages = [{ name = "新线索", on = ["@added"] }]

[[sops]]
id = "hello"
on = "@added"
  [[sops.steps]]
  anytime = true
  say = "第一句话，想问问您平时喜欢拍些什么"
  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "第二天再问一句"
"""


def put(world: Engine) -> int:
    with world.store.write() as session:
        return put_daily_lists(Work(session, world.settings, world.now))


def prompted(world: Engine) -> int:
    """A customer whose first step was prompted just now."""
    who = world.customer()
    world.happen(who, events=["@added"])
    task = world.tasks(who)[0]
    world.change(task.id, state="delivered", delivered_at=world.now)
    return task.id
