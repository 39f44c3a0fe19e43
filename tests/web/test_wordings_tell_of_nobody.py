"""Leaks: nothing of other customers, and no old price, comes out anywhere that words are offered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.agents.chat import answer_agent
from bot.agents.own_wordings import own_book
from bot.agents.past_answers import past_answers
from bot.agents.suggestions import suggest
from bot.agents.wording_offers import best_answers
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import Agent, Customer, Follow, Message, OpenQuestion
from bot.privacy.erasure import erase
from taggers.asked import Asked
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

ON = (
    CONFIG
    + """
[suggestions]
history = true

[[answers]]
id = "invoice"
ask = ["发票怎么开"]
say = "{customer.name}您好，付款以后您可以在订单详情的页面里面点击开票按钮"
"""
)
ASKED, CLEAN = "教材要自己买吗", "教材我们会寄给您的，不用另外买"
CANARIES = ("秋水伊人", "13912345678", "SO2026030417", "3980元", "https://a.cn/u?t=tok9f8e7d", "两千九百八")
MINE = "wmMINE0000000000000000000000000"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, ON) as site:
        yield site


def talked(rows: Rows, agent: Agent, name: str, said: str) -> Customer:
    """A customer asked, was answered, and went on talking; the question is one that the knowledge base lacks."""
    customer = rows.customer(name, None, agent)
    asked = rows.message(customer, ASKED, ago=timedelta(hours=3))
    answer = rows.message(customer, said, agent, ago=timedelta(hours=2))
    rows.message(customer, "好的呢", ago=timedelta(hours=1))
    rows.session.flush()
    question = OpenQuestion(
        customer_id=customer.id, agent_id=agent.id, message_id=asked.id, msgid=asked.msgid, asked_at=asked.sent_at,
        start=0, words=ASKED, answer_message_id=answer.id, closed_at=answer.sent_at,
    )  # fmt: skip
    rows.session.add(question)
    return customer


def fill(site: Site) -> None:
    """Every canary was said to two customers; one clean answer was as well."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("Wang")
        agent.key, agent.userid = "wang", "Wang"
        names = iter(f"客户{a}{b}" for a in "甲乙丙丁戊己庚辛壬癸" for b in "东南西北中")
        rows.customer(CANARIES[0], None, agent)
        for canary in CANARIES:
            for _ in range(2):
                talked(rows, agent, next(names), f"教材我们会寄给您的，{canary}也收到了")
        for _ in range(3):
            talked(rows, agent, next(names), CLEAN)
        other = "可以的，请假的课会给您顺延"
        for _ in range(4):  # so that the likeness of words can be told
            customer = rows.customer(next(names), None, agent)
            for ago, (text, by) in zip((9, 8, 7), (("可以请假吗", None), (other, agent), ("好", None)), strict=True):
                rows.message(customer, text, by, ago=timedelta(minutes=ago))
        mine = rows.customer("李丽华", None, agent)
        mine.external_userid = MINE
        rows.message(mine, ASKED, ago=timedelta(minutes=2))
    past_answers(site.system).refresh(site.system.settings, clock.now(), wait=True)


def offered(site: Site, client: FlaskClient) -> dict[str, str]:
    """All places where words are offered, by name."""
    admin, form = site.signed_in("admin"), {"external_userid": MINE}
    with site.system.work() as work:
        follow = work.session.scalars(
            select(Follow).join(Follow.customer).where(Customer.external_userid == MINE)
        ).one()
        state, past = load_customer(work.session, follow.customer), past_answers(site.system)
        shown = suggest(work, state, follow.agent, past, own_book(work, follow.agent))
        chat = [answer_agent(work, follow.agent, text) for text in ("回复 李丽华", "话术 教材", "话术 发票")]
        card, customer_id = str(best_answers(work, [follow])), follow.customer_id
    found: dict[str, Any] = {
        f"sidebar: {q}": client.post("/sidebar/answers", data={**form, "q": q}) for q in ("教材", "")
    }
    found |= {"sidebar": client.post("/sidebar/customer", data=form), "customer": client.get(f"/c/{customer_id}")}
    pages = ("/wordings", "/wordings?q=教材", "/wordings/w/answer:invoice", "/wordings/gaps", "/wordings/proposed")
    found |= {path: admin.get(path) for path in pages}
    assert [name for name, page in found.items() if page.status_code != 200] == []
    texts = {name: page.text for name, page in found.items()}
    return texts | {"chat": "\n".join(chat), "card": card, "suggested": "\n".join(one.text for one in shown)}


def test_no_canary_comes_out_anywhere(site: Site) -> None:
    fill(site)
    places = offered(site, site.signed_in("agent", "Wang"))
    leaks = [(name, canary) for name, text in places.items() for canary in CANARIES if canary in text]
    assert leaks == []
    for name in ("sidebar", "customer", "suggested", "/wordings/gaps"):
        assert CLEAN in places[name], f"{name}: what is of nobody is offered"


def test_of_the_erased_nothing_is_offered_nor_held(site: Site) -> None:
    fill(site)
    client = site.signed_in("agent", "Wang")
    assert CLEAN in offered(site, client)["sidebar"]
    with site.store.read() as session:
        said = session.scalars(select(Message)).all()
        who = {one.customer_id for one in said if one.text == CLEAN}
        gone = session.scalars(select(Customer.external_userid).where(Customer.id.in_(who))).all()
    for external_userid in gone[1:]:
        erase(site.system, external_userid, "root", clock.now())
    past = past_answers(site.system)
    past.refresh(site.system.settings, clock.now(), wait=True)
    places = offered(site, client)
    for_leaders = places.pop("/wordings/gaps")  # puts the one who stays with others who asked the same
    assert for_leaders
    assert [name for name, text in places.items() if CLEAN in text] == [], "one customer alone is no habit"
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        talked(rows, session.scalars(select(Agent)).first() or rows.agent("Wang"), "客户新来的", CLEAN)
    past.refresh(site.system.settings, clock.now(), wait=True)
    found = past.find(Asked(ASKED), site.system.settings, clock.now(), 3)
    assert [one.customers for one in found if one.text == CLEAN] == [2], "the erased are in no index"
