"""Words that come late (out of quarantine, after a lag) or in a group: what they do not answer, stop or replace."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from bot.platform.database.store import Store
from bot.platform.models import Customer, SopEnrolment
from tests.support.engine import Engine, engine, local

CONFIG = """
[workspace]
workdays = "everyday"

[[tags]]
group = "互动"
names = ["已回复", "未回复"]

[[sops]]
id = "hello"
on = "@added"
stop = ["reply"]
  [[sops.steps]]
  anytime = true
  say = "课程分三档，先看看目录，再决定学哪一档"
  reply_window = "24h"
  on_reply = "已回复"
  on_silence = "未回复"
  [[sops.steps]]
  after = "1d"
  say = "目录看得怎么样了"

[[sops]]
id = "answered"
on = "reply:hello/1"
  [[sops.steps]]
  say = "谢谢您的回复"

[[sops]]
id = "spoke"
on = "@spoke"
  [[sops.steps]]
  say = "您说了话"
"""
AGENT, STEP = "LinXiaoyu", "课程分三档，先看看目录，再决定学哪一档"


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-05-12T10:00")


@pytest.fixture
def who(world: Engine) -> str:
    """A new customer whose first step was sent at 10:05."""
    who = world.customer()
    world.happen(who, events=["@added"])
    world.later(minutes=5)
    world.say(AGENT, who, STEP)
    world.later(minutes=30)
    return who


def say_late(world: Engine, who: str, text: str, at: datetime) -> None:
    now, world.now = world.now, at
    world.say(who, AGENT, text)
    world.now = now


def running(world: Engine) -> set[str]:
    with world.store.read() as session:
        return set(session.scalars(select(SopEnrolment.sop_id).where(SopEnrolment.ended_at.is_(None))))


def last_words(world: Engine) -> str:
    with world.store.read() as session:
        return session.scalars(select(Customer)).one().last_words


@pytest.mark.parametrize(
    ("at", "goes_on"),
    [
        pytest.param("2026-05-12T09:50", True, id="before the SOP began"),
        pytest.param("2026-05-12T10:02", True, id="before our first word"),
        pytest.param("2026-05-12T10:20", False, id="after our first word"),
    ],
)
def test_a_word_that_comes_late_answers_only_what_was_said_before_it(
    world: Engine, who: str, at: str, goes_on: bool
) -> None:
    world.say(AGENT, who, "还有什么想了解的")
    say_late(world, who, "好的", local(at))
    assert ("hello" in running(world)) == goes_on
    assert ("已回复" in world.tags(who)) != goes_on


def test_cards_quote_what_was_said_last_not_what_came_last(world: Engine, who: str) -> None:
    world.say(who, AGENT, "目录收到了")
    say_late(world, who, "在吗", local("2026-05-12T10:01"))
    assert last_words(world) == "目录收到了"
    world.later(minutes=1)
    world.say(who, AGENT, "有没有周末的课")
    assert last_words(world) == "有没有周末的课"


@pytest.mark.parametrize("sender", ["customer", "agent", "colleague"])
def test_a_word_in_a_group_neither_answers_nor_fulfils_nor_starts(world: Engine, who: str, sender: str) -> None:
    before = [(task.state, task.replied_at) for task in world.tasks(who)]
    name = {"customer": who, "agent": AGENT, "colleague": "ChenGuoan"}[sender]
    for text in ("好的", STEP, "目录看得怎么样了"):
        world.say(name, AGENT, text, room="wrROOM")
    assert [(task.state, task.replied_at) for task in world.tasks(who)] == before
    assert (running(world), world.tags(who)) == ({"hello"}, set())
