"""What follows from a customer's event: an answer to a step, or its silence, starts the next SOP."""

from __future__ import annotations

from bot.platform.database.store import Store
from bot.platform.work import Work
from bot.sops.completion import close_windows
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from tests.support.engine import Engine, engine

CONFIG = """
[workspace]
workdays = "everyday"

[[sops]]
id = "first"
on = "@added"
stop = ["left"]
  [[sops.steps]]
  anytime = true
  say = "第一句话，想问问您平时喜欢拍些什么"
  reply_window = "2h"

[[sops]]
id = "answered"
on = "reply:first/1"
  [[sops.steps]]
  after = "1d"
  say = "谢谢回复"

[[sops]]
id = "silent"
on = "no-reply:first"
  [[sops.steps]]
  after = "1d"
  say = "再问一次"
"""


def delivered(world: Engine, who: str) -> int:
    world.happen(who, events=["@added"])
    (task,) = world.tasks(who, "first")
    world.change(task.id, state="delivered", delivered_at=world.now)
    world.later(minutes=5)
    world.say("LinXiaoyu", who, task.text)
    return task.id


def test_an_answer_starts_the_next_sop(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    who = world.customer()
    delivered(world, who)
    world.later(minutes=30)
    world.say(who, "LinXiaoyu", "拍孩子")
    assert world.enrolled(who) == ["first", "answered"]
    world.later(minutes=1)
    world.say(who, "LinXiaoyu", "也拍风景")
    assert world.enrolled(who) == ["first", "answered"]


def test_silence_after_a_step_starts_the_other(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    who = world.customer()
    delivered(world, who)
    world.later(hours=3)
    with store.write() as session:
        ((state, task, tags),) = close_windows(Work(session, world.settings, world.now))
        silent = CustomerEvent(f"window:{task.id}", tags, tags, answers=[answer_of(task, replied=False)])
        follow_up(Work(session, world.settings, world.now), state, silent)
    assert world.enrolled(who) == ["first", "silent"]
