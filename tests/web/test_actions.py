"""Actions on a customer's page: each has its effect, is recorded, and is refused on others' customers."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from bot.platform import clock
from bot.platform.models import (
    AuditEntry,
    Consent,
    Customer,
    CustomerField,
    Feedback,
    Impression,
    Note,
    Placement,
    SopEnrolment,
    SopTask,
    Tagging,
    ViewEntry,
)
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

SOPS = """
[[fields]]
name = "city"
title = "城市"

[[sops]]
id = "hello"
title = "打招呼"
on = "tag:已开课"

  [[sops.steps]]
  after = "1h"
  anytime = true
  say = "您好，{customer.name}"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose config has an SOP and a field."""
    with open_site(tmp_path, config=CONFIG + SOPS) as site:
        yield site


@pytest.fixture
def customer(site: Site) -> int:
    """A customer of agent Wang's."""
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("王老师")
        agent.key, agent.userid = "wang", "Wang"
        found = rows.customer("李女士", "新线索", agent)
        message = rows.message(found, "多少钱，我电话13812345678", ago=timedelta(minutes=5))
        rows.evidence(message, [["多少钱", 0, 3]], "考虑价格", "命中 多少钱")
        rows.tag(found, "考虑价格", rule_id="ask-price", msgid=message.msgid, reason="命中 多少钱")
        return found.id


def text(answer: TestResponse) -> str:
    return str(json.loads(answer.headers["HX-Trigger"])["toast"]["text"])


def actions(site: Site) -> list[str]:
    with site.store.read() as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def carried(site: Site, customer: int) -> set[str]:
    with site.store.read() as session:
        return set(session.scalars(select(Tagging.tag).filter_by(customer_id=customer, removed_at=None)))


def test_a_tag_by_hand_does_what_a_tag_does(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    answer = client.post(f"/c/{customer}/tag", data={"tag": "已开课"})
    assert (answer.status_code, text(answer)) == (204, "已加标签「已开课」")
    assert "已开课" in carried(site, customer)
    with site.store.read() as session:
        row = session.scalars(select(Tagging).filter_by(tag="已开课")).one()
        assert (row.by, row.reason) == ("human", "王老师 手工添加")
        assert session.scalar(select(Placement.stage).filter_by(pipeline="老客服务")) == "在读"
        assert session.scalar(select(func.count()).select_from(SopEnrolment)) == 1
    assert text(client.post(f"/c/{customer}/tag", data={"tag": "已开课"})) == "客户已经有标签「已开课」"
    assert "没有标签「乱写」" in text(client.post(f"/c/{customer}/tag", data={"tag": "乱写"}))
    assert client.post(f"/c/{customer}/untag", data={"tag": "已开课"}).status_code == 204
    assert client.post(f"/c/{customer}/untag", data={"tag": "已开课"}).status_code == 409
    assert carried(site, customer) == {"考虑价格"}
    assert actions(site) == ["tag.give", "tag.take"]


def test_an_sop_is_begun_and_stopped(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    assert text(client.post(f"/c/{customer}/enrol", data={"sop": "hello"})) == "已开始「打招呼」"
    assert client.post(f"/c/{customer}/enrol", data={"sop": "hello"}).status_code == 409
    assert "打招呼" in client.get(f"/c/{customer}/aside").text
    assert client.post(f"/c/{customer}/stop", data={"sop": "hello"}).status_code == 204
    with site.store.read() as session:
        assert session.scalars(select(SopTask.state)).all() == ["cancelled"]
    assert client.post(f"/c/{customer}/stop", data={"sop": "hello"}).status_code == 409
    assert client.post(f"/c/{customer}/enrol", data={"sop": "nil"}).status_code == 409
    assert actions(site) == ["sop.enrol", "sop.stop"]


def test_whoever_is_left_in_peace_is_on_no_sop(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    client.post(f"/c/{customer}/enrol", data={"sop": "hello"})
    assert client.post(f"/c/{customer}/peace", data={"on": "1"}).status_code == 204
    with site.store.read() as session:
        assert session.get_one(Customer, customer).opted_out_at is not None
        assert session.scalars(select(SopTask.state)).all() == ["cancelled"]
    assert client.post(f"/c/{customer}/enrol", data={"sop": "hello"}).status_code == 409
    assert client.post(f"/c/{customer}/peace", data={"on": "0"}).status_code == 204
    assert client.post(f"/c/{customer}/enrol", data={"sop": "hello"}).status_code == 204


def test_fields_take_what_they_can_hold(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    assert client.post(f"/c/{customer}/field", data={"name": "city", "value": "杭州"}).status_code == 204
    assert 'value="杭州"' in client.get(f"/c/{customer}").text
    assert client.post(f"/c/{customer}/field", data={"name": "birthday", "value": "明天"}).status_code == 409
    assert client.post(f"/c/{customer}/field", data={"name": "nil", "value": "x"}).status_code == 409
    assert client.post(f"/c/{customer}/field", data={"name": "city", "value": ""}).status_code == 204
    with site.store.read() as session:
        assert session.scalars(select(CustomerField)).all() == []


def test_notes_are_written_and_taken_away_by_their_writer_or_a_leader(site: Site, customer: int) -> None:
    wang, chief = site.signed_in("agent", "Wang"), site.signed_in("admin")
    assert wang.post(f"/c/{customer}/note", data={"text": "孩子三年级 <b>"}).status_code == 204
    assert "孩子三年级 &lt;b&gt;" in wang.get(f"/c/{customer}").text
    for nothing in ("", "  ", "长" * 2001):
        assert wang.post(f"/c/{customer}/note", data={"text": nothing}).status_code == 409
    with site.store.write() as session:
        session.add(Note(customer_id=customer, author="Other", text="别人写的", created_at=clock.now()))
        session.flush()
        ids = list(session.scalars(select(Note.id).order_by(Note.id)))
    assert wang.post(f"/c/{customer}/note/{ids[1]}/remove").status_code == 409
    assert chief.post(f"/c/{customer}/note/{ids[1]}/remove").status_code == 204
    assert wang.post(f"/c/{customer}/note/{ids[0]}/remove").status_code == 204
    assert wang.post(f"/c/{customer}/note/{10**18}/remove").status_code == 404
    with site.store.read() as session:
        assert {row.text for row in session.scalars(select(Note))} == {""}  # the words are gone


def test_an_impression_is_one_tap_and_a_second_tap_takes_it_back(site: Site, customer: int) -> None:
    wang, leader = site.signed_in("agent", "Wang"), site.signed_in("admin")
    assert wang.post(f"/c/{customer}/impression", data={"word": "nonsense"}).status_code == 400
    assert wang.post(f"/c/{customer}/impression", data={"word": "looking"}).status_code == 204
    page = wang.get(f"/c/{customer}").text
    assert re.findall(r'name="word" value="(\w*)" aria-pressed="true">(\S+)</button>', page) == [("", "只是看看")]
    seen = leader.get(f"/c/{customer}").text
    assert re.findall(r"</bdi> · (\S+) · ", seen) == ["只是看看"]
    assert 'aria-pressed="true"' not in seen
    assert wang.post(f"/c/{customer}/impression", data={"word": ""}).status_code == 204
    assert 'aria-pressed="true"' not in wang.get(f"/c/{customer}").text
    with site.store.read() as session:
        assert session.scalars(select(Impression.word).order_by(Impression.id)).all() == ["looking", ""]


def test_consent_is_decided_by_a_leader(site: Site, customer: int) -> None:
    with site.store.write() as session:
        session.add(Consent(customer_id=customer, kind="agent", whom="wang", agreed_at=clock.now()))
    values = {"kind": "agent", "whom": "wang", "word": "refused"}
    assert site.signed_in("agent", "Wang").post(f"/c/{customer}/consent", data=values).status_code == 404
    client = site.signed_in("admin")
    client.post(f"/c/{customer}/enrol", data={"sop": "hello"})
    assert client.post(f"/c/{customer}/consent", data=values).status_code == 204
    with site.store.read() as session:
        assert session.scalars(select(Consent.decided)).all() == ["refused"]
        assert session.scalars(select(SopTask.state)).all() == ["cancelled"]
    assert "不同意存档" in client.get(f"/c/{customer}").text
    for foul in ({"kind": "x"}, {"word": "x"}, {"whom": ""}, {"whom": "x" * 65}):
        assert client.post(f"/c/{customer}/consent", data={**values, **foul}).status_code == 400


def test_a_hit_that_was_wrong_is_said_so_from_the_page(site: Site, customer: int) -> None:
    client = site.signed_in("agent", "Wang")
    page = client.get(f"/c/{customer}").text
    assert "误判" in page
    with site.store.read() as session:
        from bot.platform.models import Evidence, Message

        evidence, message = session.scalars(select(Evidence.id)).one(), session.scalars(select(Message.id)).one()
    why = client.get(f"/c/{customer}/why/{message}").text
    assert "命中 多少钱" in why
    assert f"/evidence/{evidence}/feedback" in why
    assert client.post(f"/evidence/{evidence}/feedback", data={"word": "wrong"}).status_code == 200
    with site.store.read() as session:
        assert session.scalars(select(Feedback.right)).all() == [False]
    assert 'aria-pressed="true"' in client.get(f"/c/{customer}/why/{message}").text
    assert client.get(f"/c/{customer}/why/{10**18}").status_code == 404


def test_erasing_takes_the_name_and_an_admin(site: Site, customer: int) -> None:
    assert site.signed_in("agent", "Wang").post(f"/c/{customer}/erase", data={"name": "李女士"}).status_code == 404
    client = site.signed_in("admin")
    assert client.get(f"/c/{customer}").status_code == 200
    assert client.post(f"/c/{customer}/erase", data={"name": "李"}).status_code == 409
    answer = client.post(f"/c/{customer}/erase", data={"name": " 李女士 "})
    assert answer.headers["HX-Redirect"] == "/board"
    assert "正在删除这位客户的全部资料" in client.get("/board").text, "the page that asked is gone"
    assert "正在删除这位客户的全部资料" not in client.get("/board").text
    for thread in threading.enumerate():
        if thread.name == "erasing":
            thread.join(30)
    assert client.get(f"/c/{customer}").status_code == 404
    with site.store.read() as session:
        assert session.get(Customer, customer) is None
    views, log = client.get("/admin/views").text, client.get("/admin/log").text
    assert "已删除" in views
    assert "未命名" not in views
    assert "已抹去的客户" in log
    assert "{&#39;" not in log


@pytest.mark.parametrize(
    ("name", "typed"),
    [("\u200b\u200d", "未命名"), ("\u3000 \u3164", "未命名"), ("王\u200b小\ufeff明\u202e", "王小明")],
)
def test_a_name_that_cannot_be_seen_is_shown_and_typed_as_one_can(site: Site, name: str, typed: str) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent()
        customer = rows.customer(name, agent=agent)
        rows.message(customer, "在吗")
        rows.task(customer, agent, "您好", state="delivered", due_at=rows.now)
        where, tasks = f"/c/{customer.id}", f"/tasks?agent={agent.id}"
    client = site.signed_in("admin")
    for page in ("/board", where, tasks):
        shown = client.get(page).text
        assert ("未命名" in shown) == (typed == "未命名"), page
    assert client.get(where).text.count(f"<bdi>{typed}</bdi>") == (2 if typed == "未命名" else 0)  # head and bubble
    assert client.post(f"{where}/erase", data={"name": "别人"}).status_code == 409
    assert client.post(f"{where}/erase", data={"name": typed}).headers["HX-Redirect"] == "/board"
    for thread in threading.enumerate():
        if thread.name == "erasing":
            thread.join(30)
    assert client.get(where).status_code == 404


PATHS = ["", "/aside", "/talk", "/talk?after=0", "/timeline?before=2026-01-01T00:00:00%2B00:00", "/why/1"]
DEEDS = ["move", "move/1/undo", "tag", "untag", "enrol", "stop", "field", "note", "note/1/remove", "peace"]


@pytest.mark.parametrize("role", ["agent", "leader"])
def test_anothers_customer_is_not_there(site: Site, customer: int, role: str) -> None:
    stranger = site.signed_in(role, "Stranger", (7,) if role == "leader" else ())
    for path in PATHS:
        assert stranger.get(f"/c/{customer}{path}").status_code == 404
    for deed in (*DEEDS, "consent", "erase"):
        values = {"tag": "已开课", "kind": "agent", "whom": "x", "word": "", "text": "x", "sop": "hello"}
        assert stranger.post(f"/c/{customer}/{deed}", data=values).status_code == 404, deed
    assert actions(site) == []


@pytest.mark.parametrize("role", ["auditor", "watcher"])
def test_who_only_looks_changes_nothing_and_sees_no_phone_number(site: Site, customer: int, role: str) -> None:
    client = looking(site, role)
    page = client.get(f"/c/{customer}").text
    assert "138****5678" in page
    assert "13812345678" not in page
    assert "hx-post" not in page.partition('<main id="content"')[2]
    assert "13812345678" in site.signed_in("agent", "Wang").get(f"/c/{customer}").text
    if role == "auditor":
        for deed in (*DEEDS, "consent", "erase"):
            assert client.post(f"/c/{customer}/{deed}").status_code == 404


def looking(site: Site, role: str) -> FlaskClient:
    return site.watcher() if role == "watcher" else site.signed_in(role)


def test_reading_is_written_down_once_in_a_while(
    site: Site, customer: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    wang, chief = site.signed_in("agent", "Wang"), site.signed_in("admin")

    def readings() -> int:
        with site.store.read() as session:
            return session.scalar(select(func.count()).select_from(ViewEntry)) or 0

    for _ in range(3):
        wang.get(f"/c/{customer}")
        wang.get(f"/c/{customer}/talk")
    assert readings() == 1
    chief.get(f"/c/{customer}")
    assert readings() == 2
    clock.move_forward(timedelta(minutes=11))
    wang.get(f"/c/{customer}/talk")
    assert readings() == 3
    site.signed_in("agent", "Stranger").get(f"/c/{customer}")
    assert readings() == 3


def test_earlier_and_newer_words_come_by_themselves(site: Site, customer: int) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        person = session.get_one(Customer, customer)
        for number in range(150):
            rows.message(person, f"第{number:03}句", ago=timedelta(hours=3, seconds=-number))
    client = site.signed_in("agent", "Wang")
    page = client.get(f"/c/{customer}").text

    earlier = re.search(r'hx-get="(/c/\d+/talk\?before=\d+)"', page)
    newer = re.search(r'hx-get="(/c/\d+/talk\?after=\d+)"', page)
    assert earlier is not None
    assert newer is not None
    above = client.get(earlier[1]).text
    assert len(re.findall(r"第\d+句", above)) == 60
    assert "after=" not in above
    assert client.get(newer[1]).status_code == 204
    with site.store.write() as session:
        Rows(session, clock.now()).message(session.get_one(Customer, customer), "刚说的")
    fresh = client.get(newer[1])
    assert "刚说的" in fresh.text
    assert "第149句" not in fresh.text
    assert fresh.headers["HX-Trigger"] == "customer-changed"


@pytest.mark.parametrize("before", ["", "x", "2026-01-01", "2026-01-01T00:00:00"])
def test_a_wild_moment_in_the_timeline_is_a_400(site: Site, customer: int, before: str) -> None:
    assert site.signed_in().get(f"/c/{customer}/timeline", query_string={"before": before}).status_code == 400


def test_the_timeline_goes_back_page_by_page(site: Site, customer: int) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        person = session.get_one(Customer, customer)
        for number in range(70):
            at = rows.now - timedelta(days=1, minutes=number)
            rows.tag(
                person, f"旧{number:02}", tagged_at=at - timedelta(seconds=20), removed_at=at, removed_because="到期"
            )
    client = site.signed_in()

    page, found = client.get(f"/c/{customer}").text, []
    for _ in range(9):
        found += re.findall(r"加标签 <span class=\"chip tag\">(旧\d+)</span>", page)
        more = re.search(r'hx-get="(/c/\d+/timeline\?before=[^"]+)"', page)
        if more is None:
            break
        page = client.get(more[1]).text
    assert found == [f"旧{number:02}" for number in range(70)]
