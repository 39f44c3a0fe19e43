"""What is owed on the pages: the customer's page, the sidebar, the agent's day, the board; one tap settles it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.agents.daily_list import SendDayList
from bot.platform import clock
from bot.platform.models import Agent, AuditEntry, Customer, OpenQuestion, Outbox, Promise
from bot.platform.work import Work
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

WHO = "wmOWED00000000000000000000000001"


@dataclass
class Owed:
    """A site where Wang owes a contract, the customer a payment, and a question lies unanswered."""

    site: Site
    customer: int
    promise: int
    pledge: int
    question: int

    def path(self, what: str, row: int) -> str:
        return f"/c/{self.customer}/{what}/{row}"


@pytest.fixture
def owed(tmp_path: Path) -> Iterator[Owed]:
    with open_site(tmp_path, config=CONFIG) as site:
        now = clock.now()
        with site.store.write() as session:
            rows = Rows(session, now)
            agent = rows.agent("王老师")
            agent.key, agent.userid = "wang", "Wang"
            customer = rows.customer("陈静", "新线索", agent)
            customer.external_userid = WHO
            session.flush()
            message = rows.message(customer, "合同下午发您")
            session.flush()
            about = {
                "customer_id": customer.id,
                "agent_id": agent.id,
                "message_id": message.id,
                "msgid": message.msgid,
            }
            promise = Promise(
                **about, by="agent", said_at=now, start=0, words="合同下午发您", deed="send", object="合同",
                due_at=now + timedelta(minutes=1), look_at=now + timedelta(minutes=1),
            )  # fmt: skip
            pledge = Promise(**about, by="customer", said_at=now, start=7, words="我今天付款", deed="pay")
            question = OpenQuestion(
                **about, asked_at=now, start=0, words="发票怎么开", topic=["发票"], expects=["how"]
            )
            session.add_all([promise, pledge, question])
            session.flush()
            found = Owed(site, customer.id, promise.id, pledge.id, question.id)
        yield found


def test_the_mornings_card_counts_and_names_what_is_promised(owed: Owed) -> None:
    system, now = owed.site.system, clock.now()
    with owed.site.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.key == "wang")).one()
        day = system.settings.calendar.local(now).date()
        row = Outbox(
            kind="day_list", key="day", payload={"day": day.isoformat()}, agent_id=agent.id, created_at=now,
        )  # fmt: skip
        card = SendDayList().prepare(Work(session, system.settings, now), system, row)["card"]
    told = json.dumps(card, ensure_ascii=False)
    assert "要跟进 2 件" in told
    assert "您答应的：合同下午发您" in told
    assert "客户说的：我今天付款" in told


def test_every_place_tells_what_is_owed_with_its_words(owed: Owed) -> None:
    client = owed.site.signed_in("agent", "Wang")
    beside = client.post("/sidebar/customer", data={"external_userid": WHO}).text
    for page in (client.get(f"/c/{owed.customer}").text, client.get("/tasks").text):
        assert "您答应了「合同下午发您」" in page
        assert "客户说「我今天付款」" in page
        assert "还没有回答，把握高" in page
    for words in ("合同下午发您", "我今天付款", "发票怎么开"):
        assert words in beside
    assert "问题 1" in client.get("/board").text


def test_one_tap_settles_it_once(owed: Owed) -> None:
    client = owed.site.signed_in("agent", "Wang")
    promise, question = owed.path("promise", owed.promise), owed.path("question", owed.question)
    assert client.post(promise, data={"word": "kept"}).status_code == 204
    assert client.post(promise, data={"word": "kept"}).status_code == 409
    assert client.post(owed.path("promise", owed.pledge), data={"word": "misheard"}).status_code == 204
    assert client.post(question).status_code == 204
    assert client.post(question).status_code == 409
    page = client.get(f"/c/{owed.customer}").text
    assert "合同下午发您" not in page.partition("h-promises")[2]
    assert "h-questions" not in page
    with owed.site.store.read() as session:
        assert [row.judged for row in session.scalars(select(Promise).order_by(Promise.id))] == ["kept", "misheard"]
        assert {"promise.judge", "question.settle"} <= set(session.scalars(select(AuditEntry.action)))


def test_later_puts_it_off(owed: Owed) -> None:
    client = owed.site.signed_in("agent", "Wang")
    promise = owed.path("promise", owed.promise)
    assert client.post(promise, data={"delay": "tomorrow"}).status_code == 204
    assert client.post(promise, data={"delay": "never"}).status_code == 409
    assert client.post(promise).status_code == 409
    with owed.site.store.read() as session:
        row = session.get_one(Promise, owed.promise)
        assert row.put_off_to is not None
        assert row.put_off_to > clock.now() + timedelta(hours=1)
        assert row.look_at is not None


def test_nobody_else_answers_it(owed: Owed) -> None:
    client = owed.site.signed_in("agent", "Zhao")
    assert client.post(owed.path("promise", owed.promise), data={"word": "kept"}).status_code == 404
    assert client.post(owed.path("question", owed.question)).status_code == 404
    with owed.site.store.write() as session:
        other = Rows(session, clock.now()).customer("李雷", "新线索").id
    leads = owed.site.signed_in("admin")
    assert leads.post(f"/c/{other}/promise/{owed.promise}", data={"word": "kept"}).status_code == 404
    with owed.site.store.read() as session:
        assert session.get_one(Customer, owed.customer).id == owed.customer
        assert session.get_one(Promise, owed.promise).closed_at is None
