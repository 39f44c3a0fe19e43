"""A rule in the shadow: what it would hit is kept and counted, and nothing at all follows from it."""

from __future__ import annotations

from sqlalchemy import select

from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import CustomerField, Evidence, ScoreEntry, StageMove
from bot.platform.work import Work
from tests.support.engine import Engine, engine

CONFIG = """
[workspace]
workdays = "everyday"

[[fields]]
name = "budget"
kind = "money"

[[pipelines]]
name = "转化"
stages = [{ name = "新线索", on = ["@added"] }, { name = "考虑价格" }]

[[rules]]
id = "ask-price"
tag = "考虑价格"
any = ["多少钱", "预算"]
field = "budget"
score = { conversion = 10 }
reply = "这就把价目发您"
shadow = true

[[sops]]
id = "nurture"
on = "tag:考虑价格"
  [[sops.steps]]
  anytime = true
  say = "您好"
"""


def heard(store: Store, config: str) -> tuple[Engine, str]:
    world = engine(store, config, "2026-05-12T10:00")
    who = world.customer()
    world.happen(who, events=["@added"])
    world.say(who, "LinXiaoyu", "我的预算是199元")
    return world, who


def kept(store: Store) -> tuple[list[int], int, int, int]:
    """`counted` of the evidence; scores, moves by a tag, fields."""
    with store.read() as session:
        moves = session.scalars(select(StageMove).where(StageMove.cause == "tag")).all()
        counted = list(session.scalars(select(Evidence.counted)))
        others = [len(session.scalars(select(model)).all()) for model in (ScoreEntry, CustomerField)]
        return counted, others[0], len(moves), others[1]


def test_what_it_would_hit_is_kept_and_nothing_follows(store: Store) -> None:
    world, who = heard(store, CONFIG)
    assert kept(store) == ([0], 0, 0, 0)
    assert world.tags(who) == set()
    assert world.tasks(who) == []


def test_out_of_the_shadow_it_does_its_work_and_what_was_tried_does_not_count(store: Store) -> None:
    twice = CONFIG.replace('reply = "', 'times = 2\nwithin = "7d"\nreply = "')
    world, who = heard(store, twice)
    world.settings = parse_settings(twice.replace("shadow = true\n", ""), examples=False)
    world.say(who, "LinXiaoyu", "多少钱呀")
    assert world.tags(who) == set(), "the hit in the shadow was no first one"
    world.say(who, "LinXiaoyu", "我的预算是199元")
    assert world.tags(who) == {"考虑价格"}
    assert len(world.tasks(who)) == 1
    assert kept(store) == ([0, 1, 2], 1, 1, 1)


def test_it_suggests_no_reply(store: Store) -> None:
    from bot.agents.suggestions import suggest
    from bot.customers.state import load_customer
    from bot.platform.models import Agent, Customer

    world, _ = heard(store, CONFIG)
    with store.read() as session:
        work = Work(session, world.settings, world.now)
        customer, agent = session.scalars(select(Customer)).one(), session.scalars(select(Agent)).one()
        assert [one.key for one in suggest(work, load_customer(session, customer), agent)] == []
