"""The sidebar's answers: to the agent who has the customer and to nobody else; a tap is taken once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from bot.app import create_app
from bot.platform import clock
from bot.platform.models import (
    Agent,
    AuditEntry,
    Customer,
    GroupChat,
    GroupMember,
    Material,
    Placement,
    SopTask,
    ViewEntry,
)
from bot.platform.signed_links import task_url
from bot.system import System
from bot.web.agents.jssdk_errors import UNKNOWN, WORDS, in_words
from tests.support.fresh import bring_up
from tests.support.parts import Town
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MINE, THEIRS = "wmMINE00000000000000000000000001", "wmTHEIRS000000000000000000000001"
REPLY = CONFIG + 'reply = "{customer.name}您好，分三档"\n'
WORDS_DUE = "李女士您好，先看看目录"


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Site]:
    """A site whose rule has a reply; Wang has one customer, Zhao another."""
    with open_site(tmp_path, REPLY) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            for userid, who, name in (("Wang", MINE, "李女士"), ("Zhao", THEIRS, "陈先生")):
                agent = rows.agent(userid)
                agent.key, agent.userid = userid.casefold(), userid
                customer = rows.customer(name, "考虑价格", agent)
                customer.external_userid = who
                rows.task(
                    customer,
                    agent,
                    f"{name}您好，先看看目录",
                    state="delivered",
                    due_at=rows.now - timedelta(minutes=5),
                )
            session.flush()
        yield site


def wang(site: Site) -> FlaskClient:
    return site.signed_in("agent", "Wang")


def task_of(site: Site, who: str = MINE) -> SopTask:
    with site.store.read() as session:
        query = select(SopTask).join(Customer).where(Customer.external_userid == who)
        return session.scalars(query.order_by(SopTask.id)).one()


def test_the_panel_says_who_where_what_and_why(beside: Site) -> None:
    with beside.store.write() as session:
        rows = Rows(session, clock.now())
        customer = session.scalars(select(Customer).where(Customer.external_userid == MINE)).one()
        asked = rows.message(customer, "课多少钱", ago=timedelta(minutes=6))
        rows.evidence(asked, [["多少钱", 1, 4]], "考虑价格", "命中 多少钱")
        rows.tag(customer, "高意向", reason="命中 怎么报名")
    html = wang(beside).post("/sidebar/customer", data={"external_userid": MINE}).text
    heads = re.findall(r"<h2>(\S+)</h2>", html)
    assert heads == ["现在该说", "客户刚问到", "您的印象", "标签"]
    for shown in ("李女士", "考虑价格", WORDS_DUE, "李女士您好，分三档", "高意向", "命中 怎么报名", "稍后", "不合适"):
        assert shown in html


def test_the_best_three_come_and_what_was_said_already_does_not(beside: Site) -> None:
    now = clock.now()
    with beside.store.write() as session:
        rows = Rows(session, now)
        customer = session.scalars(select(Customer).where(Customer.external_userid == MINE)).one()
        agent = session.scalars(select(Agent).where(Agent.key == "wang")).one()
        for text in ("第二件事", "第三件事", "第四件事"):
            rows.task(customer, agent, text, due_at=now + timedelta(hours=5))
        rows.task(customer, agent, "很久以后才说", due_at=now + timedelta(days=9))
        rows.message(customer, WORDS_DUE + "。", agent, ago=timedelta(minutes=1))
    html = wang(beside).post("/sidebar/customer", data={"external_userid": MINE}).text
    assert re.findall(r'class="words" dir="auto">(\S+)</p>', html) == ["第二件事", "第三件事", "第四件事"]


def test_what_did_not_change_is_not_sent_again_nor_logged_twice(beside: Site) -> None:
    client = wang(beside)
    first = client.post("/sidebar/customer", data={"external_userid": MINE})
    again = client.post("/sidebar/customer", data={"external_userid": MINE, "seen": first.headers["X-Stamp"]})
    assert (first.status_code, again.status_code) == (200, 204)
    with beside.store.read() as session:
        assert [(view.actor, view.page) for view in session.scalars(select(ViewEntry))] == [("Wang", "sidebar")]


@pytest.mark.parametrize("who", [THEIRS, "", "wm", "9" * 100, "'"])
@pytest.mark.parametrize("path", ["customer", "send", "unsent"])
def test_a_customer_of_anothers_does_not_exist(beside: Site, path: str, who: str) -> None:
    key = f"task:{task_of(beside, THEIRS).id}"
    form = {"external_userid": who, "key": key, "part": "text", "message": "x"}
    for role in ("agent", "leader", "admin"):  # whatever the role: one chats with one's own customers only
        assert beside.signed_in(role, f"Wang{role}").post(f"/sidebar/{path}", data=form).status_code == 404
    assert wang(beside).post(f"/sidebar/{path}", data=form).status_code == 404
    assert task_of(beside, THEIRS).tapped_at is None


def test_one_who_no_longer_has_the_customer_sees_nothing(beside: Site) -> None:
    with beside.store.write() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == MINE)).one()
        customer.follows[0].ended_at = clock.now()
    assert wang(beside).post("/sidebar/customer", data={"external_userid": MINE}).status_code == 404


def test_anothers_task_is_no_way_in(beside: Site) -> None:
    client, theirs = wang(beside), task_of(beside, THEIRS)
    with beside.store.write() as session:
        session.get_one(SopTask, theirs.id).tapped_at = clock.now()
    form = {"external_userid": MINE, "key": f"task:{theirs.id}", "part": "text"}
    assert client.post("/sidebar/send", data=form).status_code == 409
    client.post("/sidebar/unsent", data={**form, "message": "x"})
    for name in ("later", "unfit"):
        answer = client.post(f"/sidebar/tasks/{theirs.id}/{name}", data={"delay": "2h", "reason": "timing"})
        assert answer.status_code == 404
    left = task_of(beside, THEIRS)
    assert (left.state, left.tapped_at is None) == ("delivered", False)


def test_strangers_watchers_auditors_and_local_names_have_no_sidebar(beside: Site) -> None:
    form = {"external_userid": MINE}
    assert beside.app.test_client().get("/sidebar").status_code == 302
    assert beside.watcher().get("/sidebar").status_code == 404
    assert beside.signed_in("auditor").post("/sidebar/customer", data=form).status_code == 404
    local = beside.signed_in("admin")
    assert "员工的账号" in local.get("/sidebar").text
    assert local.post("/sidebar/customer", data={**form, "agent": "Wang"}).status_code == 404


def test_a_tap_is_taken_once_given_back_when_it_failed_and_again_on_demand(beside: Site) -> None:
    client = wang(beside)
    form = {"external_userid": MINE, "key": f"task:{task_of(beside).id}", "part": "text"}
    first = client.post("/sidebar/send", data=form)
    assert first.json == {"message": {"msgtype": "text", "enterChat": True, "text": {"content": WORDS_DUE}}}
    second = client.post("/sidebar/send", data=form)
    assert (second.status_code, second.json) == (409, {"text": "刚才已点发送，等存档证实"})
    assert "已点发送，等存档证实" in client.post("/sidebar/customer", data={"external_userid": MINE}).text
    told = client.post("/sidebar/unsent", data={**form, "message": "sendChatMessage:fail no permission"})
    assert told.json is not None
    assert "不允许" in told.json["text"]
    assert client.post("/sidebar/send", data=form).status_code == 200
    assert client.post("/sidebar/send", data={**form, "again": "1"}).status_code == 200
    with beside.store.read() as session:
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions == ["sidebar.send", "sidebar.unsent", "sidebar.send", "sidebar.send"]


def test_a_settled_step_is_not_sent_any_more(beside: Site) -> None:
    task = task_of(beside)
    with beside.store.write() as session:
        session.get_one(SopTask, task.id).state = "completed"
    form = {"external_userid": MINE, "key": f"task:{task.id}", "part": "text"}
    assert wang(beside).post("/sidebar/send", data=form).status_code == 409


NONSENSE = [
    ("task:x", "text"),
    ("", ""),
    ("rule:", "text"),
    ("rule:none", "text"),
    ("task:9" * 9, "text"),
    ("task", "9" * 30),
]


@pytest.mark.parametrize(("key", "part"), NONSENSE)
def test_nonsense_sends_nothing(beside: Site, key: str, part: str) -> None:
    form = {"external_userid": MINE, "key": key, "part": part}
    client = wang(beside)
    assert client.post("/sidebar/send", data=form).status_code == 409
    assert client.post("/sidebar/unsent", data=form).status_code == 200


def test_attachments_leave_as_wecom_takes_them(beside: Site) -> None:
    attach = [
        {"kind": "link", "title": "目录", "url": "https://example.com/c", "desc": "三档"},
        {"kind": "miniprogram", "title": "约课", "appid": "wxabc123", "page": "pages/book?x=1", "pic": "cover.png"},
        {"kind": "image", "file": "poster.png"},
        {"kind": "file", "file": "price.pdf", "title": "价目表"},
    ]
    task = task_of(beside)
    with beside.store.write() as session:
        session.get_one(SopTask, task.id).attach = attach
        now = clock.now()
        session.add(Material(name="poster.png", kind="image", sha256="a", md5="a", size=9, found_at=now, used_at=now,
                             media_id="media-1", uploaded_at=now))  # fmt: skip
    client = wang(beside)
    given = [
        client.post("/sidebar/send", data={"external_userid": MINE, "key": f"task:{task.id}", "part": n})
        for n in range(5)
    ]
    link, mini, image = ((answer.json or {})["message"] for answer in given[:3])
    assert (link["msgtype"], link["news"]["title"], link["news"]["desc"]) == ("news", "目录", "三档")
    opened = beside.app.test_client().get(link["news"]["link"].removeprefix("http://127.0.0.1:8000"))
    assert opened.headers["Location"] == "https://example.com/c"
    assert mini["miniprogram"]["page"] == "pages/book.html?x=1"
    assert image == {"msgtype": "image", "enterChat": True, "image": {"mediaid": "media-1"}}
    assert [answer.status_code for answer in given] == [200, 200, 200, 409, 409]
    assert task_of(beside).tapped_at is None  # the step's words are still to be sent

    materials = beside.system.environment.config.parent / beside.system.settings.workspace.materials
    materials.mkdir()
    (materials / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\nxxxx")
    cover = mini["miniprogram"]["imgUrl"].removeprefix("http://127.0.0.1:8000")
    with beside.app.test_client().get(cover) as picture:
        assert picture.mimetype == "image/png"
    assert beside.app.test_client().get("/p/forged").status_code == 404


def test_later_and_unfit_work_beside_the_chat(beside: Site) -> None:
    client, task = wang(beside), task_of(beside)
    answer = client.post(f"/sidebar/tasks/{task.id}/later", data={"delay": "2h"})
    assert (answer.status_code, task_of(beside).state) == (204, "planned")
    assert client.post(f"/sidebar/tasks/{task.id}/unfit", data={"reason": "wording"}).status_code == 204
    assert client.post(f"/sidebar/tasks/{task.id}/unfit", data={"reason": "wording"}).status_code == 409


def test_words_that_the_agent_changed_are_what_is_sent(beside: Site) -> None:
    client, key = wang(beside), f"task:{task_of(beside).id}"
    panel = client.post("/sidebar/customer", data={"external_userid": MINE}).text
    assert f'<textarea maxlength="1000" rows="4" dir="auto" aria-label="要发的话">{WORDS_DUE}</textarea>' in panel
    form = {"external_userid": MINE, "key": key, "words": "  李姐，\n先看看目录 "}
    message = client.post("/sidebar/send", data=form).json["message"]  # type: ignore[index]
    assert message["text"]["content"] == "李姐，\n先看看目录"
    with beside.store.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "sidebar.send"))
        assert entry.detail["changed"] is True
    as_it_is = client.post("/sidebar/send", data={**form, "words": " ", "again": "1"}).json
    assert as_it_is["message"]["text"]["content"] == WORDS_DUE  # type: ignore[index]


def test_a_time_of_ones_own_and_a_reason_in_words_are_taken_and_can_be_undone_beside_the_chat(beside: Site) -> None:
    client, task = wang(beside), task_of(beside)
    at = (clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT11:00")
    due = task.due_at
    assert client.post(f"/sidebar/tasks/{task.id}/later", data={"delay": "at", "at": at}).status_code == 204
    assert task_of(beside).due_at > clock.now() + timedelta(days=1)
    undo = f'action="/sidebar/tasks/{task.id}/back"'
    assert undo in client.post("/sidebar/customer", data={"external_userid": MINE}).text
    assert client.post(f"/sidebar/tasks/{task.id}/back").status_code == 204
    assert (task_of(beside).state, task_of(beside).due_at) == ("planned", due)
    form = {"reason": "other", "words": "他这周在出差"}
    assert client.post(f"/sidebar/tasks/{task.id}/unfit", data=form).status_code == 204
    assert task_of(beside).ended_because == "员工认为不合适：他这周在出差"
    panel = client.post("/sidebar/customer", data={"external_userid": MINE}).text
    assert undo in panel
    assert "他这周在出差" in panel
    assert client.post(f"/sidebar/tasks/{task.id}/back").status_code == 204
    assert client.post(f"/sidebar/tasks/{task.id}/back").status_code == 409


def test_the_stage_moves_by_a_tap(beside: Site) -> None:
    client = wang(beside)
    html = client.post("/sidebar/customer", data={"external_userid": MINE}).text
    action = re.search(r'action="(/c/\d+/move)"', html)
    serial = re.search(r'name="serial" value="(\d*)"', html)
    assert action is not None
    assert serial is not None
    form = {"pipeline": "课程转化", "to": "成交", "serial": serial[1]}
    assert client.post(action[1], data=form).status_code == 204
    with beside.store.read() as session:
        stages = session.scalars(select(Placement.stage).join(Customer).where(Customer.external_userid == MINE)).all()
    assert stages == ["成交"]


def test_a_group_shows_its_member_his_own_customers_only(beside: Site) -> None:
    now = clock.now()
    with beside.store.write() as session:
        for chat_id, agent in (("wrMINE", "wang"), ("wrTHEIRS", "zhao")):
            group = GroupChat(chat_id=chat_id, name="体验群", first_seen_at=now, owner="Somebody")
            session.add(group)
            session.flush()
            session.add(GroupMember(group_id=group.id, person=agent, kind="agent"))
            session.add_all(GroupMember(group_id=group.id, person=who, kind="customer") for who in (MINE, THEIRS))
    client = wang(beside)
    html = client.post("/sidebar/group", data={"chat_id": "wrMINE"}).text
    assert MINE in html
    assert THEIRS not in html
    assert "同事的客户和其他人 1 位" in html
    for chat_id in ("wrTHEIRS", "wrNONE", ""):
        assert client.post("/sidebar/group", data={"chat_id": chat_id}).status_code == 404
    assert "所以这里只复制" in html
    assert "这个群里没有您的客户" not in html
    with beside.store.write() as session:
        session.execute(delete(GroupMember).where(GroupMember.person == MINE))
    alone = client.post("/sidebar/group", data={"chat_id": "wrMINE"}).text
    assert "这个群里没有您的客户" in alone
    assert "所以这里只复制" not in alone
    in_group = client.post("/sidebar/customer", data={"external_userid": MINE, "group": "1"}).text
    assert "data-send" not in in_group
    assert "data-copy" in in_group


@pytest.mark.parametrize(("mark", "words"), WORDS)
def test_refusals_come_in_words(mark: str, words: str) -> None:
    assert in_words(f"sendChatMessage:fail {mark.upper()}") == words


def test_an_unknown_refusal_advises_copying_and_a_cancel_says_nothing() -> None:
    assert in_words("sendChatMessage:fail xyz") == UNKNOWN
    assert in_words("") == UNKNOWN
    assert in_words("sendChatMessage:cancel") == ""


@pytest.mark.parametrize(
    "url", ["https://evil.example/sidebar", "http://127.0.0.1:8000@evil/", "//127.0.0.1:8000/", "", "x" * 9999]
)
def test_only_our_own_pages_are_signed(beside: Site, url: str) -> None:
    assert wang(beside).post("/sidebar/sign", data={"url": url}).status_code == 400


def test_signatures_come_of_tickets_that_are_fetched_once(system: System, sandbox: Town) -> None:
    bring_up(system.store.engine)
    site = Site(create_app(system), system)
    client, url = site.signed_in("agent", "Wang"), f"{system.environment.base_url}/sidebar"
    seen = sandbox.control.last_effect()
    for kind in ("agent", "config", "agent"):
        answer = client.post("/sidebar/sign", data={"url": url, "kind": kind}).json
        assert answer is not None
        assert re.fullmatch("[0-9a-f]{40}", answer["signature"])
    calls = [effect["path"] for effect in sandbox.control.effects(seen, "api")]
    assert sorted(path for path in calls if "ticket" in path) == ["get_jsapi_ticket", "ticket/get"]


def test_a_tasks_link_signs_its_own_page_and_names_its_customer_only(system: System, sandbox: Town) -> None:
    bring_up(system.store.engine)
    site = Site(create_app(system), system)
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        agent = rows.agent("Wang")
        task = rows.task(rows.customer("李女士", None, agent), agent, "您好", state="delivered", due_at=rows.now)
        session.flush()
        link, who = task_url("", task.ref, agent.id, site.key, clock.now()), task.customer.external_userid
    client, base = site.app.test_client(), system.environment.base_url
    told = client.post(f"{link}/chat").json
    assert told is not None
    assert told["customer"] == who
    signed = client.post(f"{link}/chat", data={"kind": "agent", "url": base + link}).json
    assert signed is not None
    assert re.fullmatch("[0-9a-f]{40}", signed["signature"])
    for url in (f"{base}/board", f"https://evil.example{link}"):
        assert client.post(f"{link}/chat", data={"kind": "agent", "url": url}).status_code == 400


def test_without_wecom_the_reason_is_given(site: Site) -> None:
    url = f"{site.system.environment.base_url}/sidebar"
    answer = site.signed_in("agent", "Wang").post("/sidebar/sign", data={"url": url, "kind": "agent"})
    assert answer.status_code in (502, 503)
    assert answer.json is not None
    assert answer.json["text"]


def test_the_stand_in_is_served_in_the_demo_only(beside: Site, tmp_path: Path) -> None:
    client = wang(beside)
    assert client.get("/sidebar/stand-in.js").status_code == 404
    assert "stand-in" not in client.get("/sidebar").text
    assert client.post("/sidebar/customer", data={"external_userid": THEIRS, "agent": "Zhao"}).status_code == 404
    (tmp_path / "demo").mkdir()
    with open_site(tmp_path / "demo", extra={"TICI_DEMO": "1"}) as demo:
        with demo.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent()
            rows.customer("李女士", agent=agent).external_userid = MINE
            userid = agent.userid
        player = demo.watcher()
        with player.get("/sidebar/stand-in.js") as script:
            assert b"WeixinJSBridge" in script.data
        token = re.search(r'data-csrf="([^"]+)"', player.get(f"/sidebar?agent={userid}").text)
        assert token is not None
        headers = {"X-CSRFToken": token[1], "X-Agent": userid}
        assert player.post("/sidebar/customer", data={"external_userid": MINE}, headers=headers).status_code == 200
        other = {**headers, "X-Agent": "nobody"}
        assert player.post("/sidebar/customer", data={"external_userid": MINE}, headers=other).status_code == 404


ANSWERS = """
[[answers]]
id = "invoice"
category = "售后"
ask = ["发票怎么开", "能开发票吗"]
say = "{customer.name}您好，付款后在订单里点开票"
stages = ["考虑价格"]
attach = [{ kind = "link", title = "开票说明", url = "https://example.com/invoice" }]
[[answers]]
id = "place"
ask = ["你们在什么地方"]
say = "在二楼"
until = 2020-01-01
"""


def test_the_knowledge_base_answers_what_waits_and_is_searched(tmp_path: Path) -> None:
    with open_site(tmp_path, CONFIG + ANSWERS) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("Wang")
            agent.key, agent.userid = "wang", "Wang"
            customer = rows.customer("李女士", "考虑价格", agent)
            customer.external_userid = MINE
            rows.message(customer, "你好", ago=timedelta(minutes=3))
            rows.message(customer, "请问可以开发票吗，在什么地方", ago=timedelta(minutes=2))
        client, form = wang(site), {"external_userid": MINE}
        html = client.post("/sidebar/customer", data=form).text
        said = "李女士您好，付款后在订单里点开票"
        assert re.findall(r'class="words" dir="auto">(\S+)</p>', html) == [said], "what is out of date is not offered"
        assert "请问可以开发票吗" in html
        key = {**form, "key": "answer:invoice"}
        sent = [json.loads(client.post("/sidebar/send", data={**key, "part": part}).text) for part in ("text", "0")]
        assert sent[0]["message"]["text"] == {"content": said}
        assert sent[1]["message"]["news"]["link"] == "https://example.com/invoice"
        assert client.post("/sidebar/send", data={**form, "key": "answer:place"}).status_code == 409
        assert said in client.post("/sidebar/answers", data={**form, "q": "fp"}).text
        assert "没有找到" in client.post("/sidebar/answers", data={**form, "q": "地方"}).text
        for query in ("考虑价格", "kljg", "售后"):
            assert said in client.post("/sidebar/answers", data={**form, "q": query}).text, "by stage and category"
        assert re.findall(r'data-look="([^"]+)"', client.get("/sidebar").text) == ["售后", "考虑价格"]
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            customer = session.scalars(select(Customer).where(Customer.external_userid == MINE)).one()
            rows.message(customer, said, session.scalars(select(Agent)).one(), ago=timedelta(minutes=1))
        assert said not in client.post("/sidebar/customer", data=form).text
