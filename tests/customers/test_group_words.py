"""Words in a group chat: rules say where they listen; without that they tag there, and move no card."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.customers.stages import timed_moves
from bot.platform.database.store import Store
from bot.platform.models import Placement
from bot.platform.work import Work
from taggers.rule import Rule
from taggers.rulebook import compile_rulebook
from tests.support.engine import Engine, engine

CONFIG = """
[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"
{where}

[[pipelines]]
name = "培育"
stages = [
  {{ name = "新线索", on = ["@spoke"] }},
  {{ name = "考虑价格" }},
  {{ name = "沉睡", on = [], asleep = true }},
]

[[pipelines.moves]]
from = "新线索"
to = "沉睡"
after = "7d"
"""
GROUP = "wrROOM0001"


def world_of(store: Store, where: str = "") -> Engine:
    return engine(store, CONFIG.format(where=f'in = "{where}"' if where else ""), "2026-05-12T10:00")


def stage(world: Engine) -> str | None:
    with world.store.read() as session:
        return session.scalar(select(Placement.stage))


@pytest.mark.parametrize(
    ("where", "room", "tagged", "moved"),
    [
        ("", GROUP, True, False),
        ("", "", True, True),
        ("both", GROUP, True, True),
        ("both", "", True, True),
        ("single", GROUP, False, False),
        ("single", "", True, True),
        ("group", GROUP, True, True),
        ("group", "", False, False),
    ],
)
def test_a_rule_says_where_it_listens(store: Store, where: str, room: str, tagged: bool, moved: bool) -> None:
    world = world_of(store, where)
    who = world.customer()
    world.say(who, world.userid, "你好")
    world.say(who, world.userid, "多少钱", room=room)
    assert (world.tags(who) == {"考虑价格"}, stage(world) == "考虑价格") == (tagged, moved)


def test_a_word_in_a_group_wakes_nobody(store: Store) -> None:
    world = world_of(store)
    who = world.customer()
    world.say(who, world.userid, "你好")
    world.later(days=8)
    with world.store.write() as session:
        timed_moves(Work(session, world.settings, world.now))
    assert stage(world) == "沉睡"
    world.say(who, world.userid, "大家好", room=GROUP)
    assert stage(world) == "沉睡"
    world.say(who, world.userid, "在吗")
    assert stage(world) == "新线索"


def test_the_examples_of_a_rule_for_groups_are_said_in_one() -> None:
    rule = {"id": "r", "tag": "t", "any": ["接龙"], "in": "group", "examples": {"hit": ["接龙"], "miss": ["你好"]}}
    book = compile_rulebook([Rule.model_validate(rule)])
    assert book.explain("接龙")[0].missed == ("规则只听群聊里的话",)
