"""What somebody counted as lost says is told to the agent where it would lead them on; their card stays."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.platform.database.store import Store
from bot.platform.models import Placement
from tests.support.engine import Engine, engine

CONFIG = """
[workspace]
workdays = "everyday"

[[rules]]
id = "paid"
tag = "已付款"
any = ["付款了", "转过去了"]

[[rules]]
id = "price"
tag = "问价"
any = ["多少钱"]

[[pipelines]]
name = "转化"
stages = [
  { name = "新线索", on = ["@added"] }, { name = "考虑价格", on = ["问价"], aside = true },
  { name = "正课", on = ["已付款", "order:*"], won = true }, { name = "流失", on = ["@lost"], lost = true },
]
"""
AGENT = "LinXiaoyu"


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-05-12T10:00")


def lost(world: Engine) -> str:
    who = world.customer()
    world.happen(who, "added", events=["@added"])
    world.happen(who, "lost", events=["@lost"])
    return who


def told(world: Engine) -> list[str]:
    return [str(row.payload["text"]) for row in world.outbox("returning")]


@pytest.mark.parametrize("words", ["我付款了，麻烦看一下", "钱转过去了"])
def test_a_payment_of_a_lost_customer_is_told_and_the_card_stays(world: Engine, words: str) -> None:
    who = lost(world)
    world.say(who, AGENT, words)
    (text,) = told(world)
    assert words in text
    assert "移动 陈静 正课" in text
    with world.store.read() as session:
        assert session.scalars(select(Placement.stage)).all() == ["流失"]
    world.say(who, AGENT, words)
    assert len(told(world)) == 1, "once a day"
    world.later(days=1)
    world.say(who, AGENT, words)
    assert len(told(world)) == 2


@pytest.mark.parametrize("words", ["你好", "多少钱"])
def test_other_words_and_other_customers_are_not_told(world: Engine, words: str) -> None:
    world.say(lost(world), AGENT, words)
    there = world.customer()
    world.happen(there, events=["@added"])
    world.say(there, AGENT, "付款了")
    assert told(world) == []


def test_an_order_of_a_lost_customer_is_told_as_their_words_are(world: Engine) -> None:
    who = lost(world)
    world.say(who, AGENT, "你好")
    for _ in range(2):
        world.happen(who, "order", business=["order:2999课", "order:*"], evidence="买了「2999课」")
    (text,) = told(world)
    assert "买了「2999课」" in text
    assert "移动 陈静 正课" in text
    assert "你好" not in text
    with world.store.read() as session:
        assert session.scalars(select(Placement.stage)).all() == ["流失"]


def test_what_an_agent_does_themselves_is_not_told(world: Engine) -> None:
    world.happen(lost(world), "hand", tags=["已付款"], fresh=["已付款"])
    assert told(world) == []
