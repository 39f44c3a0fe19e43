"""What follows from a customer's event: an answer to a step, or its silence, starts the next SOP."""

from __future__ import annotations

import pytest

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

[[rules]]
id = "ask"
tag = "问价"
any = ["多少钱"]

[[sops]]
id = "until-reply"
on = "@added"
  [[sops.steps]]
  after = "1d"
  say = "明天见"
  [[sops.steps]]
  after = "2d"
  say = "后天见"

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
    assert world.enrolled(who) == ["first", "until-reply", "answered"]
    world.later(minutes=1)
    world.say(who, "LinXiaoyu", "也拍风景")
    assert world.enrolled(who) == ["first", "until-reply", "answered"]


@pytest.mark.parametrize("words", ["拍孩子", "好的谢谢", "课程多少钱"])
def test_a_word_in_a_group_answers_no_step(store: Store, words: str) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    who = world.customer()
    delivered(world, who)
    world.later(minutes=30)
    world.say(who, "LinXiaoyu", words, room="wrROOM0001")
    (task,) = world.tasks(who, "first")
    assert (task.state, task.replied_at) == ("completed", None)
    assert "answered" not in world.enrolled(who)
    later = world.tasks(who, "until-reply")
    assert [task.state for task in later] == ["planned", "planned"], "the SOP that a reply stops goes on"
    assert "课程" not in words or "问价" in world.tags(who), "what is said in a group is heard all the same"
    world.later(minutes=1)
    world.say(who, "LinXiaoyu", words)
    assert "answered" in world.enrolled(who)
    assert {task.state for task in world.tasks(who, "until-reply")} == {"cancelled"}


def test_silence_after_a_step_starts_the_other(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    who = world.customer()
    delivered(world, who)
    world.later(hours=3)
    with store.write() as session:
        ((state, task, tags),) = close_windows(Work(session, world.settings, world.now))
        silent = CustomerEvent(f"window:{task.id}", tags, tags, answers=[answer_of(task, replied=False)])
        follow_up(Work(session, world.settings, world.now), state, silent)
    assert world.enrolled(who) == ["first", "until-reply", "silent"]
