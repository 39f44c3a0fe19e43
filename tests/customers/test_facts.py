"""What customers say fills their fields: with evidence, below people's word, in any order, and dates start SOPs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from bot.agents.manual_moves import MoveRefusedError, give_reason, move_by_hand, offered_reasons
from bot.agents.written_facts import judge_by_hand, set_by_hand
from bot.customers.state import load_customer
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Customer, CustomerField, Feedback, StageMove, ToldFact
from bot.platform.work import Work
from bot.sops.dates import start_dated_sops
from tests.support.archived import Archived, said
from tests.support.engine import Engine, engine

CONFIG = """
[[fields]]
name = "due"
title = "预产期"
kind = "date"

[[fields]]
name = "预算"
kind = "money"

[[rules]]
id = "heard-due"
field = "预产期"
any = ["预产期"]
match = "text"

[[rules]]
id = "heard-budget"
field = "预算"
tag = "谈预算"
any = ["预算"]
match = "text"

[[rules]]
id = "too-dear"
tag = "嫌贵"
any = ["太贵"]
match = "text"

[[pipelines]]
name = "培育"
fields = ["预产期", "预算"]
stages = [
  { name = "新会员", on = ["@spoke"] },
  { name = "报价", on = ["谈预算"], needs = ["预产期"] },
  { name = "流失", on = [], lost = true, reasons = ["没时间", "嫌贵"] },
]

[[sops]]
id = "due-soon"
on = "date:预产期-30d"
stop = []

  [[sops.steps]]
  after = "0m"
  anytime = true
  say = "离{customer.due}还有三十天"
"""


@pytest.fixture
def world(store: Store) -> Engine:
    return engine(store, CONFIG, "2026-03-04T10:00")


def value(world: Engine, name: str = "due") -> str | None:
    with world.store.read() as session:
        return session.scalar(select(CustomerField.value).where(CustomerField.name == name))


def told(world: Engine) -> Sequence[ToldFact]:
    with world.store.read() as session:
        return session.scalars(select(ToldFact).order_by(ToldFact.id)).all()


def by_hand(world: Engine, deed: Any, *given: Any) -> Any:
    with world.store.write() as session:
        state = load_customer(session, session.scalars(select(Customer)).one())
        return deed(Work(session, world.settings, world.now), state, *given)


def test_what_is_said_fills_a_field_with_its_evidence(world: Engine) -> None:
    who = world.customer()
    world.say(who, world.userid, "宝宝预产期四月十二，对了")
    (row,) = told(world)
    assert (value(world), row.by, row.rule_id, row.words, row.span) == (
        "2026-04-12", "rule", "heard-due", "四月十二", [5, 9],
    )  # fmt: skip
    assert world.tags(who) == set()  # the rule gives no tag


def test_the_day_of_a_date_that_was_heard_starts_its_sop(world: Engine) -> None:
    who = world.customer()
    world.say(who, world.userid, "预产期四月十二")
    for _ in range(9):
        world.later(days=1)
        with world.store.write() as session:
            start_dated_sops(Work(session, world.settings, world.now))
    assert world.enrolled(who) == ["due-soon"]
    assert world.tasks(who)[0].text == "离2026年4月12日还有三十天"


def test_a_date_heard_on_the_very_day_starts_its_sop_at_once_and_once(world: Engine) -> None:
    who = world.customer()
    with world.store.write() as session:
        start_dated_sops(Work(session, world.settings, world.now))  # today's round is over
    world.say(who, world.userid, "预产期四月三号")
    world.say(who, world.userid, "预产期是四月三号哦")
    assert world.enrolled(who) == ["due-soon"]


def test_a_persons_word_stands_above_a_rules(world: Engine) -> None:
    who = world.customer()
    by_hand(world, set_by_hand, "预产期", "2026-05-01", "LinXiaoyu")
    world.later(minutes=5)
    world.say(who, world.userid, "预产期四月十二")
    assert value(world) == "2026-05-01"
    heard = told(world)[1]
    by_hand(world, judge_by_hand, heard.id, True, "LinXiaoyu")  # 对
    assert value(world) == "2026-04-12"
    world.later(minutes=5)
    world.say(who, world.userid, "预产期四月十五")
    assert value(world) == "2026-04-12"


def test_what_a_person_finds_wrong_falls_and_judges_the_rule(world: Engine) -> None:
    who = world.customer()
    world.say(who, world.userid, "预产期四月十二")
    world.later(minutes=5)
    world.say(who, world.userid, "预产期四月十五")
    by_hand(world, judge_by_hand, told(world)[1].id, False, "LinXiaoyu")  # 不对
    assert value(world) == "2026-04-12"
    by_hand(world, judge_by_hand, told(world)[0].id, False, "LinXiaoyu")
    assert value(world) is None
    world.later(minutes=5)
    world.say(who, world.userid, "预产期四月十二")  # misread again
    assert value(world) is None
    with world.store.read() as session:
        assert session.scalars(select(Feedback.right)).all() == [False, False]


def test_a_value_of_before_there_was_a_history_counts_as_a_persons(world: Engine) -> None:
    who = world.customer(due="2026-05-01")
    world.say(who, world.userid, "预产期四月十二")
    assert value(world) == "2026-05-01"
    assert [(row.by, row.value) for row in told(world)] == [("human", "2026-05-01"), ("rule", "2026-04-12")]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda o: "".join(map(str, o)))
@pytest.mark.parametrize("together", [True, False], ids=["batch", "singly"])
def test_late_and_recalled_messages_leave_what_order_would_have(
    store: Store, order: Sequence[int], together: bool
) -> None:
    archived = Archived(store, parse_settings(CONFIG, examples=False))
    back = said("", at=2, msgid="back", action="recall", msgtype="revoke", revoke={"pre_msgid": "second"})
    plains = [said("预产期四月十二", at=0, msgid="first"), said("预产期四月十五", at=1, msgid="second"), back]
    arriving = [plains[number] for number in order]
    for batch in [arriving] if together else [[plain] for plain in arriving]:
        archived.arrive(*batch)
    assert [(row.name, row.value) for row in archived.rows(CustomerField)] == [("due", "2026-04-12")]


def test_a_stage_waits_for_a_field_of_rules_and_of_people(world: Engine) -> None:
    who = world.customer()
    world.say(who, world.userid, "你好")
    world.say(who, world.userid, "预算两三万")
    assert value(world, "预算") == "20000-30000"
    with pytest.raises(MoveRefusedError, match="还要知道客户的「预产期」"):
        by_hand(world, move_by_hand, "培育", "报价", "LinXiaoyu")
    by_hand(world, set_by_hand, "预产期", "2026-05-01", "LinXiaoyu")
    assert by_hand(world, move_by_hand, "培育", "报价", "LinXiaoyu").row.to_stage == "报价"


def test_a_lost_card_asks_for_a_reason_and_proposes_what_was_heard(world: Engine) -> None:
    who = world.customer()
    world.say(who, world.userid, "太贵了")
    assert by_hand(world, offered_reasons, "培育") == ()
    by_hand(world, move_by_hand, "培育", "流失", "LinXiaoyu")
    offered = by_hand(world, offered_reasons, "培育")
    assert [(one.name, one.heard) for one in offered] == [("嫌贵", True), ("没时间", False)]
    with pytest.raises(MoveRefusedError):
        by_hand(world, give_reason, "培育", "不知道")
    by_hand(world, give_reason, "培育", "嫌贵")
    with world.store.read() as session:
        assert session.scalars(select(StageMove.reason).order_by(StageMove.serial.desc())).first() == "嫌贵"


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (CONFIG.replace('field = "预产期"', 'field = "预产日"'), "没有字段「预产日」"),
        (CONFIG.replace('kind = "money"', 'kind = "text"'), "要说清记下哪几个字"),
        (CONFIG.replace('needs = ["预产期"]', 'needs = ["预产日"]'), "没有标签或字段「预产日」"),
        (CONFIG.replace('fields = ["预产期", "预算"]', 'fields = ["预算金"]'), "没有字段「预算金」"),
        (CONFIG.replace('kind = "money"', 'kind = "choice"'), "写 choices"),
        (CONFIG.replace("date:预产期-30d", "date:预产日-30d"), "没有日期字段「预产日」"),
    ],
)
def test_a_config_that_cannot_work_is_refused(broken: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_settings(broken)
