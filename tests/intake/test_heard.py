"""What nobody said: WeCom's own lines and mentions tag nobody, answer nothing, and are no first message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.agents.suggestions import suggest
from bot.customers.group_chats import find_group
from bot.customers.state import load_customer
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Evidence, GroupMember, Message, Tagging
from bot.platform.work import Work
from tests.support.archived import LIN, NOW, ROOM, WANG, Archived, said

CONFIG = """
[[rules]]
id = "words"
tag = "说了话"
any = ["聊天", "开始", "添加", "内容", "验证", "小王", "林晓雨", "价格咨询"]
match = "text"
from = "both"

[[rules]]
id = "first"
tag = "第一条"
on = ["@first-message"]

[[rules]]
id = "join"
tag = "已报名"
regex = '^报名$'

[[rules]]
id = "again"
tag = "高意向"
any = ["多少钱"]
match = "text"
times = 3
within = "7d"
reply = "给您做一张对照表。"
"""
GREETINGS = (
    "我通过了你的联系人验证请求，现在我们可以开始聊天了",
    "以上是打招呼的内容",
    "我已经添加了你，现在我们可以开始聊天了。",
    "我是小王",
)


@pytest.fixture
def archived(store: Store) -> Archived:
    archived = Archived(store, parse_settings(CONFIG, examples=False))
    with store.write() as session:
        session.add(Customer(external_userid=WANG, name="小王", created_at=NOW, activity=0, conversion=0))
        session.add(Agent(key=LIN.casefold(), userid=LIN, name="林晓雨", created_at=NOW))
    return archived


def tags(archived: Archived) -> set[str]:
    return {row.tag for row in archived.rows(Tagging)}


@pytest.mark.parametrize("line", GREETINGS)
def test_what_the_client_writes_for_a_customer_is_no_word_of_theirs(archived: Archived, line: str) -> None:
    archived.say(line)
    assert tags(archived) == set()
    (customer,) = archived.rows(Customer)
    assert (customer.last_word_at, customer.last_words) == (None, "")
    archived.say("你好", 1)
    assert tags(archived) == {"第一条"}, "only now they have said something"
    (customer,) = archived.rows(Customer)
    assert customer.last_word_at == NOW + timedelta(minutes=1)


@pytest.mark.parametrize("line", [*GREETINGS[:3], "我是林晓雨", "我是示例教育的林晓雨"])
def test_what_the_client_writes_for_an_agent_answers_nobody(archived: Archived, line: str) -> None:
    back: dict[str, Any] = {"from": LIN, "tolist": [WANG]}
    archived.say(line, **back)
    assert tags(archived) == set()
    assert archived.rows(Customer)[0].said_to_at is None


def test_an_unknown_name_is_told_by_the_greeting_beside_it(archived: Archived) -> None:
    with archived.store.write() as session:
        for customer in session.scalars(select(Customer)):
            customer.name = ""
    archived.arrive(said("我是小王"), said("以上是打招呼的内容", 0.1))
    assert tags(archived) == set()
    archived.say("我是小王", 1)
    assert tags(archived) == {"说了话", "第一条"}, "without a greeting it may be their own word"


def in_group(archived: Archived, text: str, at: float = 0) -> None:
    others: dict[str, Any] = {"roomid": ROOM, "tolist": [LIN]}
    archived.say(text, at, **others)


@pytest.fixture
def room(archived: Archived) -> Archived:
    with archived.store.write() as session:
        chat = find_group(session, ROOM, NOW)
        session.flush()
        for person, kind, name in ((LIN.casefold(), "agent", "价格咨询 小林"), (WANG, "customer", "")):
            session.add(GroupMember(group_id=chat.id, person=person, kind=kind, name=name))
    return archived


@pytest.mark.parametrize("call", ["@林晓雨", "@林晓雨\u2005", "@价格咨询 小林\u2005", "@所有人 "])
def test_a_mention_says_nothing(room: Archived, call: str) -> None:
    in_group(room, call)
    assert tags(room) == set()
    assert {row.role for row in room.rows(Message)} == {"none"}
    in_group(room, f"{call}报名", 1)
    assert tags(room) == {"已报名", "第一条"}
    in_group(room, f"报名 {call}", 2)
    assert len(room.rows(Evidence, Evidence.rule_id == "join")) == 2


def test_the_evidence_behind_a_mention_points_into_the_message(room: Archived) -> None:
    in_group(room, "@林晓雨\u2005报名")
    (evidence,) = room.rows(Evidence, Evidence.rule_id == "join")
    (message,) = room.rows(Message)
    (_, start, end), *_ = evidence.spans
    assert message.text[start:end] == "报名"


def test_a_mention_outside_groups_is_text(archived: Archived) -> None:
    archived.say("@林晓雨 报名")
    assert "说了话" in tags(archived)


def test_a_reply_waits_until_the_rule_has_heard_it_often_enough(archived: Archived) -> None:
    offered = []
    for minutes in range(3):
        archived.say("多少钱", minutes)
        with archived.store.write() as session:
            work = Work(session, archived.settings, NOW + timedelta(minutes=minutes))
            state = load_customer(session, session.scalars(select(Customer)).one())
            agent = session.scalars(select(Agent)).one()
            offered.append([one.key for one in suggest(work, state, agent)])
    assert offered == [[], [], ["rule:again"]]
