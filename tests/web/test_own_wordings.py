"""Own wordings: written by an agent, offered to them beside the company's, taken over by an editor."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.agents.chat import answer_agent
from bot.agents.own_wordings import MOST
from bot.agents.wording_offers import best_answers
from bot.agents.wording_proof import hear_sent
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import Agent, Customer, Follow, OwnWording, WordingOffer
from bot.privacy.mentions import Needles, forget_mentions
from bot.privacy.retention import forget_leavers
from bot.sops.material_library import MaterialRefusedError, remove_file
from bot.sops.material_uploads import named_by_agents
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MINE = "wmMINE0000000000000000000000000"
OWN = {"ask": "可以试听吗", "say": "{customer.name|您}想先试听的话，我把体验课发给您", "category": "试听"}
PLAIN = "可以试听吗"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("Wang")
            agent.key, agent.userid = "wang", "Wang"
            customer = rows.customer("李丽华", None, agent)
            customer.external_userid = MINE
            rows.message(customer, "请问课程可以试听吗", ago=timedelta(minutes=2))
        yield site


def wang(site: Site) -> FlaskClient:
    return site.signed_in("agent", "Wang")


def kept(site: Site) -> list[OwnWording]:
    with site.store.read() as session:
        return list(session.scalars(select(OwnWording).order_by(OwnWording.id)))


def test_an_own_wording_is_offered_to_its_agent_everywhere_and_to_nobody_else(site: Site) -> None:
    client, form = wang(site), {"external_userid": MINE}
    assert client.post("/wordings/own/save", data=OWN).status_code == 302
    said = "李丽华想先试听的话，我把体验课发给您"
    assert said in client.post("/sidebar/customer", data=form).text
    assert (
        said in client.post("/sidebar/answers", data={**form, "q": "stkc"}).text
        or said in client.post("/sidebar/answers", data={**form, "q": "st"}).text
    )
    key = re.search(r'data-send="(own:\d+)"', client.post("/sidebar/customer", data=form).text)
    assert key is not None
    sent = json.loads(client.post("/sidebar/send", data={**form, "key": key[1], "part": "text"}).text)
    assert sent["message"]["text"] == {"content": said}
    with site.store.read() as session:
        customer = session.scalars(select(Customer)).one()
    assert said in client.get(f"/c/{customer.id}").text
    with site.system.work() as work:
        agent = work.session.scalars(select(Agent)).one()
        assert "我把体验课发给您" in answer_agent(work, agent, "话术 试听")
        follows = work.session.scalars(select(Follow)).all()
        assert best_answers(work, follows) == {follows[0].id: said}
    leader = site.signed_in("admin")
    assert said not in leader.get(f"/c/{customer.id}").text, "private"
    assert "体验课" not in leader.get("/wordings").text
    other = site.signed_in("agent", "Zhao")
    own_id = kept(site)[0].id
    assert [
        other.get(f"/wordings/own/{own_id}/edit").status_code,
        other.get("/wordings/own").text.count("体验课"),
    ] == [
        404,
        0,
    ]
    for act in ("remove", "propose"):
        assert other.post(f"/wordings/own/{own_id}/{act}").status_code == 404
    assert other.post("/wordings/own/save", data={**OWN, "row": str(own_id)}).status_code == 404


def test_its_uses_are_counted_like_the_companys(site: Site) -> None:
    client, form = wang(site), {"external_userid": MINE}
    client.post("/wordings/own/save", data=OWN)
    client.post("/sidebar/customer", data=form)
    said = "李丽华想先试听的话，我把体验课发给您"
    with site.system.work() as work:
        customer, agent = work.session.scalars(select(Customer)).one(), work.session.scalars(select(Agent)).one()
        message = Rows(work.session, work.now).message(customer, said, agent, ago=timedelta(0))
        work.session.flush()
        hear_sent(work, load_customer(work.session, customer), agent, message, said)
    with site.store.read() as session:
        offer = session.scalars(select(WordingOffer)).one()
        assert (offer.key, offer.outcome, offer.wording) == (f"own:{kept(site)[0].id}", "exact", "")
    assert "发了 1 次" in client.get("/wordings/own").text


def test_it_is_changed_and_removed_beside_the_chat(site: Site) -> None:
    client, beside = wang(site), {"HX-Request": "true"}
    full = {**OWN, "attach": "试听说明 https://example.com/try", "since": "2020-01-01"}
    client.post("/wordings/own/save", data=full)
    row = kept(site)[0]
    form = {"brief": "1", "row": str(row.id), "ask": PLAIN, "say": "可以，先发您一节体验课"}
    assert client.post("/wordings/own/save", data=form, headers=beside).status_code == 204
    row = kept(site)[0]
    assert (row.say, row.since, row.attach[0]["title"]) == ("可以，先发您一节体验课", date(2020, 1, 1), "试听说明")
    refused = client.post("/wordings/own/save", data={**form, "say": "可以，只要99元"}, headers=beside)
    assert refused.status_code == 409
    assert "价格" in json.loads(refused.headers["HX-Trigger"])["toast"]["text"]
    assert client.post(f"/wordings/own/{row.id}/remove", headers=beside).status_code == 204
    assert kept(site) == []


def test_what_is_out_of_its_days_is_not_offered(site: Site) -> None:
    client = wang(site)
    client.post("/wordings/own/save", data={**OWN, "until": "2020-01-01"})
    assert "体验课" not in client.post("/sidebar/customer", data={"external_userid": MINE}).text
    assert "不在有效期" in client.get("/wordings/own").text
    assert client.post("/sidebar/send", data={"external_userid": MINE, "key": "own:1"}).status_code == 409


@pytest.mark.parametrize(
    ("say", "why"),
    [
        ("李丽华您好，体验课发您了", "换成 {customer.name|您}"),
        ("张女士您好，体验课发您了", "客户的名字"),
        ("打我电话13912345678就行", "手机号"),
        ("您的订单 SO20260301 已发", "手机号"),
        ("看这里 https://a.cn/u?id=8", "链接"),
        ("现在报名只要2980元", "价格"),
        ("{customer.nam}您好呀", "是不是"),
        ("", "怎样回答"),
    ],
)
def test_what_belongs_to_one_customer_is_refused_with_reasons(site: Site, say: str, why: str) -> None:
    page = wang(site).post("/wordings/own/save", data={**OWN, "say": say})
    assert page.status_code == 422
    assert why in re.sub(r"<[^>]+>", "", page.text)
    assert kept(site) == []


def test_days_an_own_name_and_an_addressless_link_may_stand_in_it(site: Site) -> None:
    say = "明天下午我把课表发您，官网 https://example.com/about 也有，{agent.name}"
    assert wang(site).post("/wordings/own/save", data={**OWN, "say": say}).status_code == 302


def test_a_proposal_is_taken_into_the_file_by_one_tap(site: Site) -> None:
    client, admin = wang(site), site.signed_in("admin")
    client.post("/wordings/own/save", data={**OWN, "attach": "试听说明 https://example.com/try"})
    own_id = kept(site)[0].id
    assert "体验课" not in admin.get("/wordings/proposed").text
    assert admin.post(f"/wordings/proposed/{own_id}/take").status_code == 404, "not proposed: private"
    assert "体验课" not in admin.get(f"/wordings/answers/new?own={own_id}").text
    client.post(f"/wordings/own/{own_id}/propose")
    assert "体验课" in admin.get("/wordings/proposed").text
    assert "体验课" in admin.get(f"/wordings/answers/new?own={own_id}").text
    assert site.signed_in("leader").post(f"/wordings/proposed/{own_id}/take").status_code == 404
    assert "saved=1" in admin.post(f"/wordings/proposed/{own_id}/take").location
    text = site.system.environment.config.read_text(encoding="utf-8")
    assert f'say = "{OWN["say"]}"' in text
    assert 'title = "试听说明"' in text
    row = kept(site)[0]
    assert (row.decided, row.answer in text) == ("taken", True)
    assert "公司收下了" in client.get("/wordings/own").text
    assert admin.post(f"/wordings/proposed/{own_id}/take").status_code == 404, "once"


def test_a_proposal_is_declined_or_changed_before_it_is_taken(site: Site) -> None:
    client, admin = wang(site), site.signed_in("admin")
    for say in ("可以的，体验课发您", "可以的，有体验课"):
        client.post("/wordings/own/save", data={**OWN, "say": say})
    first, second = (row.id for row in kept(site))
    for own_id in (first, second):
        client.post(f"/wordings/own/{own_id}/propose")
    admin.post(f"/wordings/proposed/{first}/decline")
    assert "公司没有收" in client.get("/wordings/own").text
    stamp = re.search(r'name="stamp" value="(\w+)"', admin.get(f"/wordings/answers/new?own={second}").text)
    assert stamp is not None
    form = {"stamp": stamp[1], "own": str(second), "ask": PLAIN, "say": "可以先听体验课"}
    assert admin.post("/wordings/answers/save", data=form).status_code == 302
    assert [row.decided for row in kept(site)] == ["declined", "taken"]


def test_a_proposal_with_somebody_elses_name_is_not_taken_as_it_is(site: Site) -> None:
    client, admin = wang(site), site.signed_in("admin")
    client.post("/wordings/own/save", data={**OWN, "say": "秋水伊人也听过体验课，可以的"})
    with site.store.write() as session:
        Rows(session, clock.now()).customer("秋水伊人", None)
    own_id = kept(site)[0].id
    client.post(f"/wordings/own/{own_id}/propose")
    assert "problem=" in admin.post(f"/wordings/proposed/{own_id}/take").location
    assert "秋水伊人" not in site.system.environment.config.read_text(encoding="utf-8")


def test_files_that_go_along_are_uploaded_and_kept_and_the_erased_and_leavers_leave_nothing(site: Site) -> None:
    client = wang(site)
    folder = site.system.environment.config.parent / site.system.settings.workspace.materials
    folder.mkdir(exist_ok=True)
    (folder / "课表.pdf").write_bytes(b"%PDF-1.4 table")
    assert "课表.pdf" in client.get("/wordings/own/new").text
    client.post("/wordings/own/save", data={**OWN, "say": "小月牙也在上，可以试听", "attach": "课表.pdf"})
    with site.store.read() as session:
        assert named_by_agents(session) == {("课表.pdf", "file")}
        with pytest.raises(MaterialRefusedError):
            remove_file(session, folder, "课表.pdf", site.system.settings)
        agent_id = session.scalars(select(Agent.id)).one()
    needles = Needles("wmGONE", frozenset({"小月牙"}), frozenset({agent_id}), 99)
    forget_mentions(site.store, needles, frozenset(), lambda _count: None)
    assert "小月牙" not in kept(site)[0].say
    for left, stays in ((timedelta(days=29), 1), (timedelta(days=31), 0)):
        with site.store.write() as session:
            session.get_one(Agent, agent_id).left_at = clock.now() - left
            forget_leavers(session, clock.now())
        assert len(kept(site)) == stays


def test_there_is_an_end_to_how_many(site: Site) -> None:
    client, now = wang(site), clock.now()
    with site.store.write() as session:
        agent_id = session.scalars(select(Agent.id)).one()
        for _ in range(MOST):
            session.add(OwnWording(agent_id=agent_id, ask="问", say="答", created_at=now, changed_at=now))
    assert "最多记" in client.post("/wordings/own/save", data=OWN).text
