"""SOPs for group chats: begun when a group is made or a day comes; its owner is prompted, once a day for a group."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import GroupChat, GroupPrompt, Outbox
from bot.platform.work import Work
from bot.sops.group_sops import plan_group_sops, prompt_group_owners
from tests.support.engine import Engine, engine

CONFIG = """
[[sops]]
id = "new-group"
title = "新群开张"
audience = "group"
on = "@made"

  [[sops.steps]]
  after = "10m"
  say = "欢迎来到{group.name}"

  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "大家好"

[[sops]]
id = "weekly"
audience = "group"
on = "every:wed"

  [[sops.steps]]
  after = "0m"
  at = "10:00"
  say = "每周三答疑"
"""


@pytest.fixture
def world(store: Store) -> Engine:
    found = engine(store, CONFIG, "2026-05-12T10:00")  # a Tuesday
    found.agent()
    return found


def made(world: Engine, **values: object) -> int:
    given = {"chat_id": "wrROOM1", "name": "妈妈群", "owner": "LinXiaoyu", "made_at": world.now, "notice": ""}
    with world.store.write() as session:
        row = GroupChat(**(given | {"first_seen_at": world.now} | values))
        session.add(row)
        session.flush()
        return row.id


def tick(world: Engine) -> None:
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        plan_group_sops(work)
        prompt_group_owners(work)


def prompts(world: Engine) -> list[tuple[str, int, str, str]]:
    with world.store.read() as session:
        rows = session.scalars(select(GroupPrompt).order_by(GroupPrompt.id))
        return [(row.sop_id, row.step, row.state, row.words) for row in rows]


def cards(world: Engine) -> int:
    with world.store.read() as session:
        return len(session.scalars(select(Outbox).where(Outbox.kind == "group_prompt")).all())


def test_a_group_that_was_made_prompts_its_owner_step_by_step(world: Engine) -> None:
    made(world)
    tick(world)
    assert prompts(world) == [("new-group", 0, "planned", "欢迎来到妈妈群"), ("new-group", 1, "planned", "大家好")]
    world.later(minutes=11)
    tick(world)
    tick(world)
    assert (cards(world), [state for _, _, state, _ in prompts(world)]) == (1, ["queued", "planned"])


def test_a_group_gets_at_most_one_card_a_day(world: Engine) -> None:
    made(world)
    tick(world)
    world.later(minutes=11)
    tick(world)
    world.later(days=1)  # Wednesday 10:11: the second step and the weekly one are both due
    tick(world)
    tick(world)
    assert cards(world) == 2
    world.later(days=1)
    tick(world)
    assert cards(world) == 3


@pytest.mark.parametrize(
    "values",
    [{"owner": "Nobody"}, {"internal": True}, {"made_at": None}],
    ids=["owner unknown", "of colleagues", "never made"],
)
def test_groups_that_are_nobodys_are_left_alone(world: Engine, values: dict[str, object]) -> None:
    made(world, **values)
    tick(world)
    world.later(minutes=11)
    tick(world)
    assert cards(world) == 0


def test_a_group_made_long_ago_or_dissolved_is_left_alone(world: Engine) -> None:
    made(world, made_at=world.now - timedelta(days=20))
    made(world, chat_id="wrROOM2", dismissed_at=world.now)
    tick(world)
    assert prompts(world) == []


def test_customers_are_not_put_on_an_sop_for_groups(world: Engine) -> None:
    who = world.customer()
    world.happen(who, events=["@added"])
    assert world.enrolled(who) == []


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (CONFIG.replace('on = "@made"', 'on = "@added"'), "群跟进由"),
        (CONFIG.replace('on = "@made"', 'stage = "x"'), "群跟进由"),
        (CONFIG.replace("大家好", "{customer.name}好"), "群里说的话"),
        (CONFIG.replace('audience = "group"\non = "@made"', 'on = "@made"'), "@made 只用于群跟进"),
    ],
)
def test_an_sop_for_groups_that_cannot_work_is_refused(broken: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_settings(broken)
