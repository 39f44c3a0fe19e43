"""What was heard on the customer's page: evidence with 对 and 不对, what is missing, and the reason of a loss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.customers.facts import settle
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import AuditEntry, Customer, GroupChat, GroupMember, StageMove, ToldFact
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

FIELDS = (
    CONFIG.replace(
        '{ name = "流失", on = ["@lost"], lost = true },',
        '{ name = "流失", on = ["@lost"], lost = true, reasons = ["没时间", "考虑价格"] },',
    ).replace('name = "课程转化"', 'name = "课程转化"\nfields = ["预算", "城市"]')
    + """
[[fields]]
name = "budget"
title = "预算"
kind = "money"

[[fields]]
name = "city"
title = "城市"
kind = "choice"
choices = ["杭州", "宁波"]

[[rules]]
id = "heard-budget"
field = "预算"
any = ["预算"]
match = "text"
"""
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, config=FIELDS) as site:
        yield site


@pytest.fixture
def customer(site: Site) -> int:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("王老师")
        agent.key, agent.userid = "wang", "Wang"
        return rows.customer("陈静", "新线索", agent).id


def tell(site: Site, customer: int, value: str, words: str) -> int:
    """A fact as a rule hears it."""
    with site.store.write() as session:
        row = ToldFact(
            customer_id=customer, field="budget", value=value, by="rule", rule_id="heard-budget", words=words,
            span=[0, 1], told_at=clock.now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        settle(session, load_customer(session, session.get_one(Customer, customer)), "budget")
        return row.id


def test_a_heard_value_shows_its_words_and_is_judged(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    fact = tell(site, customer, "20000-30000", "两三万")
    page = client.get(f"/c/{customer}").text
    assert 'value="20000-30000 元"' in page
    assert "「两三万」" in page
    assert "已知 1 项，共 2 项" in page
    assert "还缺 城市" in page
    assert client.post(f"/c/{customer}/fact/{fact}", data={"word": "wrong"}).status_code == 204
    page = client.get(f"/c/{customer}").text
    assert "20000-30000 元" not in page.partition("以前的")[0]
    assert "听错了" in page
    assert client.post(f"/c/{customer}/fact/{fact}", data={"word": "?"}).status_code == 400
    assert client.post(f"/c/{customer}/fact/{fact + 1}", data={"word": "right"}).status_code == 409
    with site.store.read() as session:
        assert "field.judge" in session.scalars(select(AuditEntry.action)).all()


def test_a_person_writes_as_people_say_it_and_what_is_said_since_stands_beside(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    assert client.post(f"/c/{customer}/field", data={"name": "budget", "value": "5000以内"}).status_code == 204
    assert client.post(f"/c/{customer}/field", data={"name": "budget", "value": "很多"}).status_code == 409
    assert client.post(f"/c/{customer}/field", data={"name": "city", "value": "上海"}).status_code == 409
    fact = tell(site, customer, "8000", "八千")
    page = client.get(f"/c/{customer}").text
    assert 'value="5000 元以内"' in page
    assert "客户后来又说：8000 元" in page
    client.post(f"/c/{customer}/fact/{fact}", data={"word": "right"})
    assert 'value="8000 元"' in client.get(f"/c/{customer}").text


def test_a_lost_card_asks_for_its_reason(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    answer = client.post(f"/c/{customer}/move", data={"pipeline": "课程转化", "to": "流失"})
    assert '"words": ["' in answer.headers["HX-Trigger"]
    assert "选一个原因" in client.get(f"/c/{customer}").text
    wrong = client.post(f"/c/{customer}/reason", data={"pipeline": "课程转化", "reason": "天气不好"})
    assert wrong.status_code == 409
    right = client.post(f"/c/{customer}/reason", data={"pipeline": "课程转化", "reason": "没时间"})
    assert right.status_code == 204
    assert "选一个原因" not in client.get(f"/c/{customer}").text
    with site.store.read() as session:
        assert session.scalars(select(StageMove.reason).order_by(StageMove.id.desc())).first() == "没时间"


def test_the_list_of_groups_says_who_came_and_went(site: Site) -> None:
    now = clock.now()
    with site.store.write() as session:
        group = GroupChat(chat_id="wr1", name="妈妈群", owner="Wang", notice="", first_seen_at=now, last_word_at=now)
        session.add(group)
        session.flush()
        session.add_all(
            GroupMember(group_id=group.id, person=person, kind="customer", joined_at=now - joined, left_at=left)
            for person, joined, left in [
                ("wm1", timedelta(days=1), None), ("wm2", timedelta(days=2), None),
                ("wm3", timedelta(days=30), now - timedelta(days=1)), ("wm4", timedelta(days=30), None),
            ]
        )  # fmt: skip
    page = site.signed_in("admin").get("/groups").text
    assert '<td class="number" data-name="7 天进群">2</td><td class="number" data-name="7 天退群">1</td>' in page
