"""The customer list: conditions, order and pages, columns, views, export, and who sees whom; statements stay flat."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.agents import bulk_job
from bot.customers.selection import KINDS
from bot.platform import clock
from bot.platform.models import Agent, AuditEntry, BulkDeed, BulkItem, Customer, SavedView, Tagging, ViewEntry
from bot.privacy.erasure import erase
from tests.intake.test_batch_cost import counted
from tests.support.exported import export
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

MANY = 130


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    config = CONFIG + '\n[[fields]]\nname = "城市"\n'
    folder = tmp_path_factory.mktemp("list")
    with ExitStack() as stack:
        extra = {}
        if request.param == "postgresql":
            url = stack.enter_context(request.getfixturevalue("postgres").database())
            extra = {"TICI_DATABASE_URL": url}
        site = stack.enter_context(open_site(folder, config, extra))
        fill(site)
        yield site


def fill(site: Site) -> None:
    """Customer n: silent for n % 7 days (n % 13 == 0: never spoke), intent n % 50, tagged 已付款 if n % 10 == 0."""
    now = clock.now()
    with site.store.write() as session:
        rows = Rows(session, now)
        agents = [rows.agent("林"), rows.agent("陈")]
        for n in range(MANY):
            spoke = None if n % 13 == 0 else now - timedelta(days=n % 7, minutes=5)
            customer = rows.customer(
                f"客户{n}", agent=agents[n % 2], last_word_at=spoke, conversion=n % 50, activity=n % 3
            )
            if n % 10 == 0:
                session.add(Tagging(customer_id=customer.id, tag="已付款", by="human", version="v", tagged_at=now))


def ids(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'name="id" value="(\d+)"', page)]


def total(page: str) -> int:
    found = re.search(r'id="found"[^>]*>符合 (\d+) 位', page)
    assert found
    return int(found[1])


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("", MANY),
        ("tag=已付款", 13),
        ("no-tag=已付款", MANY - 13),
        ("tag=已付款&score=40", 2),  # 40 and 90
        ("stage=课程转化/新线索", MANY),
        ("no-stage=课程转化/新线索", 0),
        ("silent=6", 16),
        ("q=客户7", None),
        ("no-field=城市", MANY),
        ("tag=&score=x&nonsense=1&silent=-1", MANY),
    ],
)
def test_conditions_are_counted_and_listed_alike(site: Site, asked: str, expected: int | None) -> None:
    client = site.signed_in()
    page = client.get(f"/customers?{asked}").text
    if expected is not None:
        assert total(page) == expected
    assert client.get(f"/customers/count?{asked}").text == f"符合 {total(page)} 位"


def test_every_kind_of_condition_works_with_an_odd_value(site: Site) -> None:
    client = site.signed_in()
    for name in KINDS:
        for value in ("1", "999999999999999", "没有/这个", "%"):
            assert client.get("/customers/count", query_string={name: value}).status_code == 200


@pytest.mark.parametrize("order", ["sort=last", "sort=last&up=1", "sort=score", "sort=added&up=1", "sort=activity"])
def test_pages_show_everybody_once_in_order(site: Site, order: str) -> None:
    client, seen, address = site.signed_in(), [], f"/customers?{order}"
    while address:
        page = client.get(address).text
        seen += ids(page)
        following = re.search(r'<a class="button" href="([^"]*after=[^"]*)">下一页', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == MANY
    with site.store.read() as session:
        people = {one.id: one for one in session.scalars(select(Customer))}
    if "score" in order:
        assert [people[one].conversion for one in seen] == sorted(
            (p.conversion for p in people.values()), reverse=True
        )
    if order == "sort=last&up=1":
        assert all(people[one].last_word_at is None for one in seen[:10])


def test_statements_do_not_grow_with_the_rows(site: Site) -> None:
    client = site.signed_in()
    columns = "&".join(f"col={one}" for one in ("stages", "tags", "agent", "field:城市"))
    client.get("/customers")
    with counted(site.store) as few:
        client.get(f"/customers?tag=已付款&score=90&{columns}")
    with counted(site.store) as many:
        client.get(f"/customers?{columns}")
    assert len(many) <= len(few) + 1


def test_an_agent_sees_their_own_and_exports_none(site: Site) -> None:
    with site.store.read() as session:
        userid = session.scalars(select(Agent.userid).where(Agent.name == "林")).first()
    mine = site.signed_in("agent", userid=userid)
    assert total(mine.get("/customers").text) == MANY // 2
    assert mine.post("/customers/export").status_code == 404
    assert site.watcher().get("/customers").status_code == 404


def test_an_export_holds_what_is_asked_for_and_is_recorded(site: Site) -> None:
    client = site.signed_in()
    deed = export(site, client, "tag=已付款&sort=score&col=tags&col=scores&col=words")
    assert "做成 13" in client.get(deed).text
    rows = list(csv.reader(io.StringIO(client.get(f"{deed}/file").text.removeprefix("\ufeff"))))
    assert rows[0] == ["external_userid", "名字", "标签", "意向 · 活跃", "最近一句"]
    assert len(rows) == 14
    scores = [int(row[3].partition(" ")[0]) for row in rows[1:]]
    assert scores == sorted(scores, reverse=True)
    with site.store.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "bulk.export")).one()
        assert entry.detail == {"count": 13}
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "bulk.download")).one().detail == {
            "count": 13
        }
        assert session.scalars(select(ViewEntry).where(ViewEntry.page == "customers")).first() is not None


def test_an_export_is_fetched_by_whoever_asked_for_a_day_and_then_gone(site: Site) -> None:
    asker = site.signed_in()
    deed = export(site, asker, "tag=已付款")
    number = int(deed.rpartition("/")[2])
    assert site.signed_in("leader").get(f"{deed}/file").status_code == 404
    assert site.signed_in("auditor").get(f"{deed}/file").status_code == 404
    assert asker.post(f"{deed}/undo").status_code == 409
    with site.store.write() as session:
        session.get_one(BulkDeed, number).ended_at = clock.now() - timedelta(days=1, seconds=1)
    assert asker.get(f"{deed}/file").status_code == 404
    with site.store.read() as session:
        assert bulk_job.any_due(session, clock.now())
    while bulk_job.advance(site.system, clock.now()):
        pass
    with site.store.read() as session:
        assert session.scalar(select(BulkItem.turn).where(BulkItem.deed_id == number).limit(1)) is None
    assert "文件已删除" in asker.get(deed).text


def test_an_erased_customer_is_in_no_file(site: Site) -> None:
    with site.store.write() as session:
        agent = session.scalars(select(Agent)).first()
        assert agent is not None
        own_id = Rows(session, clock.now()).customer("要抹去的", agent=agent, channel="抹去").external_userid
    client = site.signed_in()
    deed = export(site, client, "channel=抹去")
    assert "要抹去的" in client.get(f"{deed}/file").text
    erase(site.system, own_id, "test", clock.now())
    assert "要抹去的" not in client.get(f"{deed}/file").text


def test_views_are_saved_shared_and_removed(site: Site) -> None:
    leader, agent = site.signed_in("leader"), site.signed_in("agent", userid="viewer")
    leader.post("/customers/views?tag=已付款&col=tags&sort=score", data={"name": "已付的", "shared": "1"})
    leader.post("/customers/views?silent=3", data={"name": "我的"})
    page = agent.get("/customers").text
    assert "已付的" in page
    assert "我的" not in page
    with site.store.read() as session:
        views = {view.name: view for view in session.scalars(select(SavedView))}
    shared, own = views["已付的"], views["我的"]
    opened = agent.get(f"/customers?view={shared.id}").text
    assert "带着标签 <bdi>已付款</bdi>" in opened
    assert agent.get(f"/customers?view={own.id}").status_code == 404
    assert agent.post(f"/customers/views/{shared.id}/remove").status_code == 404
    assert leader.post(f"/customers/views/{shared.id}/remove").status_code == 302
    assert "已付的" not in agent.get("/customers").text


def test_a_broken_place_is_the_beginning(site: Site) -> None:
    client = site.signed_in()
    first = ids(client.get("/customers").text)
    for after in ("x", "_", "1e400_5", "_99999999999999999999", "nan_4", "5_5_5"):
        answer = client.get("/customers", query_string={"after": after})
        assert answer.status_code == 200
        assert ids(answer.text) == first or after == "nan_4"
