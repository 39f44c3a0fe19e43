"""The conduct page: leaders see what was found on their agents, with the talk around it, and judge it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.platform import clock
from bot.platform.models import AuditEntry, ConductFinding, Customer, Follow, GroupChat, Message, ViewEntry
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

RULES = """
[[rules]]
id = "private"
kind = "conduct"
title = "私下转账"
from = "agent"
any = ["转我微信"]
match = "text"
"""
BAD, ASKED, LATER = "学费转我微信就行", "怎么付款呢", "我想想"


@dataclass
class Scene:
    """A site where Wang, who is led by the Chief of department 2, said something to a customer and in a group."""

    site: Site
    customer: int
    finding: int
    in_group: int


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with open_site(tmp_path, config=CONFIG + RULES) as site:
        now = clock.now()
        with site.store.write() as session:
            rows = Rows(session, now)
            agent = rows.agent("王老师")
            agent.key, agent.userid, agent.departments = "wang", "Wang", [2]
            customer = rows.customer("陈静", "新线索", agent)
            rows.message(customer, ASKED, ago=timedelta(minutes=9)).agent_id = agent.id
            said = rows.message(customer, BAD, agent, ago=timedelta(minutes=8))
            rows.message(customer, LATER, ago=timedelta(minutes=7)).agent_id = agent.id
            group = rows.message(customer, BAD, agent, ago=timedelta(minutes=6))
            group.roomid, group.customer_id = "wrGROUP", None
            session.add(GroupChat(chat_id="wrGROUP", name="群", owner="Wang", first_seen_at=now))
            session.flush()
            found = [finding(one, agent.id) for one in (said, group)]
            session.add_all(found)
            session.flush()
            made = Scene(site, customer.id, found[0].id, found[1].id)
        yield made


def finding(message: Message, agent_id: int) -> ConductFinding:
    return ConductFinding(
        rule_id="private", title="私下转账", version="v1", agent_id=agent_id, customer_id=message.customer_id,
        message_id=message.id, msgid=message.msgid, spans=[["转我微信", 2, 6]], reason="命中 转我微信",
        said_at=message.sent_at, found_at=message.sent_at,
    )  # fmt: skip


def listed(client: FlaskClient, **args: str) -> int:
    return client.get("/conduct", query_string=args).text.count('class="hit"')


def test_only_the_agents_leaders_and_admins_see_it_and_nobody_their_own(scene: Scene) -> None:
    site = scene.site
    assert listed(site.signed_in("leader", "Chief", [2])) == 2
    assert listed(site.signed_in("admin")) == 2
    assert listed(site.signed_in("leader", "Elsewhere", [9])) == 0
    assert listed(site.signed_in("leader", "Wang", [2])) == 0
    assert site.signed_in("auditor").get("/conduct").status_code == 404
    own = site.signed_in("admin", "Wang2")
    assert own.get("/conduct").status_code == 200


def test_the_words_around_are_shown_and_the_reading_is_noted(scene: Scene) -> None:
    chief = scene.site.signed_in("leader", "Chief", [2])
    page = chief.get(f"/conduct/{scene.finding}/around").text
    assert [page.index(words) for words in (ASKED, BAD, LATER)] == sorted(
        page.index(words) for words in (ASKED, BAD, LATER)
    )
    with scene.site.store.read() as session:
        noted = {(view.actor, view.customer_id, view.page) for view in session.scalars(select(ViewEntry))}
    assert ("Chief", scene.customer, "conduct") in noted


def test_the_customers_words_are_closed_to_who_may_not_read_them_any_more(scene: Scene) -> None:
    with scene.site.store.write() as session:
        session.scalars(select(Follow)).one().ended_at = clock.now()
    chief = scene.site.signed_in("leader", "Chief", [2])
    assert "转我微信" in chief.get("/conduct").text  # the agent's own words are what the leader is here for
    page = chief.get(f"/conduct/{scene.finding}/around").text
    assert ASKED not in page
    assert "看不到了" in page
    assert ASKED in scene.site.signed_in("admin").get(f"/conduct/{scene.finding}/around").text


def test_in_a_group_the_rule_of_groups_decides(scene: Scene) -> None:
    chief = scene.site.signed_in("leader", "Chief", [2])
    assert "看不到了" in chief.get(f"/conduct/{scene.in_group}/around").text  # Wang is no member of it any more
    assert BAD in scene.site.signed_in("admin").get(f"/conduct/{scene.in_group}/around").text


def test_a_word_is_kept_taken_back_and_counted(scene: Scene) -> None:
    chief = scene.site.signed_in("leader", "Chief", [2])
    path = f"/conduct/{scene.finding}/word"
    assert "Chief" in chief.post(path, data={"word": "right"}).text
    assert chief.post(path, data={"word": "nonsense"}).status_code == 400
    assert (listed(chief), listed(chief, state="right"), listed(chief, state="all")) == (1, 1, 2)
    report = chief.get("/conduct/report").text
    assert re.search(r"100\.0%", report)
    assert chief.get("/conduct/report/rules.csv").text.splitlines()[1].startswith("私下转账,2,1,0,1,1")
    assert "私下转账" not in scene.site.signed_in("leader", "Elsewhere", [9]).get("/conduct/report").text
    chief.post(path, data={"word": ""})
    assert listed(chief) == 2
    with scene.site.store.read() as session:
        words = [
            entry.detail["word"] for entry in session.scalars(select(AuditEntry)) if entry.action == "conduct.judge"
        ]
    assert words == ["right", "nothing"]


def test_no_page_of_the_customer_tells_of_it(scene: Scene) -> None:
    wang = scene.site.signed_in("agent", "Wang", [2])
    with scene.site.store.read() as session:
        said = [m.id for m in session.scalars(select(Message)) if m.text == BAD and m.customer_id]
        assert session.scalars(select(Customer.id)).all() == [scene.customer]
    pages = [f"/c/{scene.customer}", f"/c/{scene.customer}/timeline", f"/c/{scene.customer}/aside"]
    pages += [f"/c/{scene.customer}/why/{one}" for one in said]
    for page in pages:
        text = wang.get(page).text
        assert "私下转账" not in text
        assert "private" not in text


def test_the_rules_pages_know_the_kind(scene: Scene) -> None:
    admin = scene.site.signed_in("admin")
    assert "员工言行" in admin.get("/rules").text
    page = admin.get("/rules/r/private").text
    assert 'href="/conduct?rule=private&amp;state=all"' in page
    assert BAD not in page
    form = admin.get("/rules/r/private/edit").text
    assert '<option value="conduct" selected>' in form
    wrong = {
        "was": "private",
        "id": "private",
        "kind": "conduct",
        "from": "customer",
        "any": "转我微信",
        "tag": "价格",
    }
    tried = admin.post("/rules/save", data=wrong)
    assert tried.status_code in (400, 409, 422)
    assert "去掉 tag" in tried.text
    assert "听员工说的话" in tried.text
