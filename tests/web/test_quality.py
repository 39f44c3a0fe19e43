"""The quality list: those who are wanted first, each with the reasons, impressions by a tap, and revisits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.customers.nightly_portraits import advance, refresh_changed
from bot.platform import clock
from bot.platform.models import AuditEntry, Customer, CustomerField, OwnFollowUp
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

TARGET = """
[[fields]]
name = "city"
title = "城市"

[models.target]
fields = [{ field = "city", is = ["上海"] }]
lists = ["已付款"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Wang has one who fits, one who is named, one of whom too little is known, one of another city; Zhao one."""
    with open_site(tmp_path, config=CONFIG + TARGET) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            wang, zhao = rows.agent("王老师"), rows.agent("赵老师")
            wang.key, wang.userid, zhao.key, zhao.userid = "wang", "Wang", "zhao", "Zhao"
            for name, agent in (("合适", wang), ("点名", wang), ("不明", wang), ("外地", wang), ("别人", zhao)):
                customer = rows.customer(name, agent=agent, activity=90)
                for ago in range(3):
                    rows.message(customer, "在吗", ago=timedelta(days=ago))
                city = {"合适": "上海", "外地": "北京"}.get(name)
                if city:
                    session.add(CustomerField(customer_id=customer.id, name="city", value=city))
                if name == "点名":
                    rows.tag(customer, "已付款")
        while True:
            with site.system.work() as work:
                if advance(work) is None:
                    break
        yield site


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/c/\d+"><bdi>(\S+)</bdi>', page)


def of(site: Site, name: str) -> int:
    with site.store.read() as session:
        return next(one.id for one in session.scalars(select(Customer)) if one.name == name)


def test_who_is_wanted_comes_first_with_the_reasons(site: Site) -> None:
    page = site.signed_in("agent", "Wang").get("/customers/quality").text
    assert names(page) == ["点名", "合适", "不明"]
    assert re.findall(r'title="([^"]+)">(\S+)</span>', page) == [
        ("带着标签「已付款」", "在名单里"), ("画像：上海", "符合画像"), ("还不知道：city", "还不清楚"),
    ]  # fmt: skip
    assert page.count("30 天里有 3 天聊过") == 3
    assert names(site.signed_in("admin").get("/customers/quality?show=wanted").text) == ["点名", "合适"]
    assert set(names(site.signed_in("admin").get("/customers/quality").text)) == {"点名", "合适", "不明", "别人"}
    assert "符合 4 位" in site.signed_in("admin").get("/customers?quality=1").text


def test_a_tap_puts_somebody_on_the_list_and_takes_somebody_off_it(site: Site) -> None:
    wang = site.signed_in("agent", "Wang")

    def look() -> list[str]:
        with site.system.work() as work:
            refresh_changed(work, 500)
        return names(wang.get("/customers/quality").text)

    look()  # from now on
    wang.post(f"/c/{of(site, '合适')}/impression", data={"word": "looking"})
    wang.post(f"/c/{of(site, '外地')}/impression", data={"word": "keen"})
    assert look() == ["点名", "不明"]  # who does not fit stays away, however keen
    wang.post(f"/c/{of(site, '合适')}/impression", data={"word": ""})
    assert look() == ["点名", "合适", "不明"]


def test_what_came_of_a_revisit_is_one_tap_of_whose_it_is(site: Site) -> None:
    wang, now = site.signed_in("agent", "Wang"), clock.now()
    with site.store.write() as session:
        customer = session.get_one(Customer, of(site, "合适"))
        row = OwnFollowUp(
            agent_id=customer.follows[0].agent_id, customer_id=customer.id, words="回访", due_at=now, created_at=now,
            kind="revisit",
        )  # fmt: skip
        session.add(row)
        session.flush()
        path, userid = f"/follow-ups/{row.id}/outcome", customer.external_userid
    assert names(wang.get("/customers/quality?show=due").text) == ["合适"]
    assert "等着做 1，做了 0" in wang.get("/customers/quality").text
    assert 'value="lead"' in wang.post("/sidebar/customer", data={"external_userid": userid}).text
    assert 'value="lead"' in wang.get("/tasks").text
    assert wang.post(path, data={"outcome": "nonsense"}).status_code == 400
    assert site.signed_in("agent", "Zhao").post(path, data={"outcome": "lead"}).status_code == 404
    assert wang.post(path, data={"outcome": "lead"}).status_code == 204
    page = wang.get("/customers/quality").text
    assert "等着做 0，做了 1 · 有了线索 1" in page
    assert names(wang.get("/customers/quality?show=due").text) == []
    with site.store.read() as session:
        assert "revisit.outcome" in session.scalars(select(AuditEntry.action)).all()
        assert session.scalars(select(OwnFollowUp.ended_by)).all() == ["hand"]


def test_an_own_follow_up_has_no_outcome(site: Site) -> None:
    wang, now = site.signed_in("agent", "Wang"), clock.now()
    with site.store.write() as session:
        customer = session.get_one(Customer, of(site, "合适"))
        row = OwnFollowUp(agent_id=customer.follows[0].agent_id, customer_id=customer.id, due_at=now, created_at=now)
        session.add(row)
        session.flush()
        path = f"/follow-ups/{row.id}/outcome"
    assert wang.post(path, data={"outcome": "lead"}).status_code == 404
