"""Studies of the rules read stored talk as it was heard live: the same mentions, groups and lines of WeCom's own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.analytics.draft_preview import compare_books, last_messages
from bot.analytics.history import CustomerRange, backtest_range, customers_utterances, customers_words, sayings_before
from bot.customers.group_chats import find_group
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, GroupMember, Tagging
from taggers.coverage import survey
from tests.support.archived import LIN, NOW, ROOM, WANG, Archived

CONFIG = """
[[rules]]
id = "price"
tag = "问价"
any = ["价格"]
in = "both"

[[rules]]
id = "join"
tag = "已报名"
regex = '^报名$'
in = "both"

[[rules]]
id = "single"
tag = "单聊问"
any = ["课表"]
in = "single"

[[rules]]
id = "group"
tag = "群里问"
any = ["课表"]
in = "group"

[[rules]]
id = "greeting"
tag = "打招呼"
any = ["添加", "验证", "小王", "开始"]
match = "text"
in = "both"
"""
EMPTY = '[[rules]]\nid = "none"\ntag = "无"\nany = ["绝不会说的话"]\n'

# What is said, whether in the group, and the tag that it gives live.
SAID = [
    ("@价格 顾问 报名", True, {"已报名"}),
    ("＠价格 顾问\u2005在吗", True, set()),
    ("@价格 顾问\u2005价格多少", True, {"问价"}),
    ("课表发一下", True, {"群里问"}),
    ("课表发一下", False, {"单聊问"}),
    ("@价格 顾问", True, set()),
    ("我已经添加了你，现在我们可以开始聊天了。", False, set()),
    ("以上是打招呼的内容", False, set()),
    ("我是小王", False, set()),
    ("@价格多少", False, {"问价"}),
]


@pytest.fixture
def archived(store: Store) -> Archived:
    archived = Archived(store, parse_settings(CONFIG, examples=False))
    with store.write() as session:
        session.add(Customer(external_userid=WANG, name="小王", created_at=NOW, activity=0, conversion=0))
        session.add(Agent(key=LIN.casefold(), userid=LIN, name="林晓雨", created_at=NOW))
        chat = find_group(session, ROOM, NOW)
        session.flush()
        for person, kind, name in ((LIN.casefold(), "agent", "价格 顾问"), (WANG, "customer", "")):
            session.add(GroupMember(group_id=chat.id, person=person, kind=kind, name=name))
    return archived


def say(archived: Archived, text: str, in_group: bool, at: float = 0) -> None:
    room: dict[str, Any] = {"roomid": ROOM, "tolist": [LIN]} if in_group else {}
    archived.say(text, at, **room)


@pytest.mark.parametrize(("text", "in_group", "wanted"), SAID)
def test_a_study_hears_what_was_heard_live(archived: Archived, text: str, in_group: bool, wanted: set[str]) -> None:
    say(archived, text, in_group)
    assert {row.tag for row in archived.rows(Tagging)} == wanted
    store = archived.store
    part = CustomerRange(store.url, store.keys, 0, 10**12, NOW - timedelta(days=1), NOW + timedelta(days=1))
    again = backtest_range(part, EMPTY, CONFIG)
    assert {one.tag for one in again.tags if one.after} == wanted
    empty, book = parse_settings(EMPTY, examples=False).book, archived.settings.book
    with store.read() as session:
        preview = compare_books(empty, book, last_messages(session))
        assert {one.tag for one in preview.gains} == wanted
        covered = survey(book, customers_utterances(session, NOW - timedelta(days=1)))
    rules = {rule.id: rule.tag for rule in book.rules}
    assert {rules[use.rule_id] for use in covered.rules if use.hits} == wanted


def test_mining_proposes_no_name(archived: Archived) -> None:
    say(archived, "@价格 顾问\u2005周末有空位吗", True)
    with archived.store.write() as session:
        customer = archived.rows(Customer)[0]
        session.add(
            Tagging(
                customer_id=customer.id,
                tag="要位子",
                by="human",
                tagged_at=NOW + timedelta(hours=1),
                reason="",
                version="v1",
            )
        )
    with archived.store.read() as session:
        assert sayings_before(session, NOW)["要位子"] == ["周末有空位吗"]
        assert list(customers_words(session, NOW - timedelta(days=1))) == ["周末有空位吗"]
