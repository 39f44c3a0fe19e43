"""Deeds on many customers: done piece by piece, by turns, failing for one alone, undone unless changed since."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bot.agents import bulk_job
from bot.customers.state import load_customer
from bot.customers.tags import take_tag
from bot.platform import clock
from bot.platform.models import (
    Account,
    AuditEntry,
    BulkDeed,
    BulkItem,
    Customer,
    CustomerField,
    Follow,
    Placement,
    SopEnrolment,
    Tagging,
)
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

SOPS = """
[[fields]]
name = "city"

[[sops]]
id = "hello"
title = "问候"
on = "@added"

  [[sops.steps]]
  after = "1d"
  say = "您好"
"""
MANY = 7


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + SOPS, {"TICI_DATABASE_URL": database_url}) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            agent = rows.agent("林")
            for n in range(MANY):
                rows.customer(f"客户{n}", agent=agent)
        yield site


def begin(client: FlaskClient, **form: Any) -> int:
    """Ask for a deed on all; returns its number."""
    answer = client.post("/customers/deeds", data={"all": "1", **form})
    assert answer.status_code == 204, answer.headers.get("HX-Trigger")
    return int(answer.headers["HX-Redirect"].rpartition("/")[2])


def run(site: Site, days: float = 0) -> None:
    while bulk_job.advance(site.system, clock.now() + timedelta(days=days)):
        pass


def states(site: Site, deed: int) -> dict[str, int]:
    with site.store.read() as session:
        return bulk_job.counts_of(session, deed)


def all_of(site: Site, model: Any, *where: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).where(*where)).all()


@pytest.mark.parametrize(
    ("form", "model", "conditions", "left"),
    [
        ({"kind": "tag", "value": "已开课"}, Tagging, [Tagging.tag == "已开课", Tagging.removed_at.is_(None)], 0),
        ({"kind": "move", "value": "课程转化/考虑价格"}, Placement, [Placement.stage == "考虑价格"], 0),
        ({"kind": "enrol", "value": "hello"}, SopEnrolment, [SopEnrolment.ended_at.is_(None)], 0),
        ({"kind": "field", "value": "city", "text": "成都"}, CustomerField, [], 0),
    ],
)
def test_a_deed_is_done_to_all_and_undone(
    site: Site, form: dict[str, str], model: Any, conditions: list[Any], left: int
) -> None:
    client = site.signed_in()
    assert f"{MANY} 位客户" in client.post("/customers/deeds/check", data={"all": "1", **form}).text
    deed = begin(client, **form)
    run(site)
    assert states(site, deed) == {"done": MANY}
    assert len(all_of(site, model, *conditions)) == MANY
    assert client.post(f"/customers/deeds/{deed}/undo").status_code == 204
    run(site)
    assert states(site, deed) == {"undone": MANY}
    assert len(all_of(site, model, *conditions)) == left
    assert "已撤销" in client.get(f"/customers/deeds/{deed}").text
    actions = [entry.action for entry in all_of(site, AuditEntry)]
    assert actions == [f"bulk.{form['kind']}", "bulk.undo"]
    assert "成都" not in repr([entry.detail for entry in all_of(site, AuditEntry)])


def test_a_tag_that_follows_moves_the_card_too_and_untagging_comes_back(site: Site) -> None:
    client = site.signed_in()
    begin(client, kind="tag", value="已付款")
    run(site)
    assert len(all_of(site, Placement, Placement.stage == "成交")) == MANY
    deed = begin(client, kind="untag", value="已付款")
    run(site)
    assert not all_of(site, Tagging, Tagging.removed_at.is_(None))
    client.post(f"/customers/deeds/{deed}/undo")
    run(site)
    assert len(all_of(site, Tagging, Tagging.removed_at.is_(None))) == MANY


def test_one_that_fails_stops_nobody_and_says_why(site: Site) -> None:
    with site.store.write() as session:
        session.scalars(select(Customer)).first().opted_out_at = clock.now()  # type: ignore[union-attr]
    client = site.signed_in()
    deed = begin(client, kind="enrol", value="hello")
    run(site)
    assert states(site, deed) == {"done": MANY - 1, "failed": 1}
    assert "客户说过不想再收到消息" in client.get(f"/customers/deeds/{deed}").text
    again = begin(client, kind="enrol", value="hello")
    run(site)
    assert states(site, again) == {"skipped": MANY - 1, "failed": 1}


def test_what_was_changed_since_is_kept(site: Site) -> None:
    client = site.signed_in()
    deed = begin(client, kind="tag", value="已开课")
    run(site)
    with site.system.work() as work:
        state = load_customer(work.session, work.session.scalars(select(Customer)).first())  # type: ignore[arg-type]
        take_tag(work, state, "已开课", "王 取消")
    client.post(f"/customers/deeds/{deed}/undo")
    run(site)
    assert states(site, deed) == {"undone": MANY - 1, "kept": 1}


def test_enrolments_are_spread_over_days_and_can_be_stopped(site: Site) -> None:
    client = site.signed_in()
    checked = client.post(
        "/customers/deeds/check", data={"all": "1", "kind": "enrol", "value": "hello", "per_day": "3"}
    )
    assert "每天 3 位，分 3 天" in checked.text
    deed = begin(client, kind="enrol", value="hello", per_day="3")
    for days, done in ((0, 3), (0.9, 3), (1.1, 6)):
        run(site, days)
        assert states(site, deed) == {"done": done, "waiting": MANY - done}
    assert client.post(f"/customers/deeds/{deed}/cancel").status_code == 204
    run(site, 2.1)
    assert states(site, deed) == {"done": 6, "waiting": 1}


def test_it_cannot_be_undone_after_a_day(site: Site) -> None:
    client = site.signed_in()
    deed = begin(client, kind="tag", value="已开课")
    run(site)
    with site.store.write() as session:
        session.get_one(BulkDeed, deed).ended_at = clock.now() - timedelta(days=1, minutes=1)
    assert client.post(f"/customers/deeds/{deed}/undo").status_code == 409


def test_each_piece_looks_again_whom_they_may_see(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_job, "PIECE", 2)
    agent = all_of(site, Follow)[0].agent
    client = site.signed_in("agent", userid=agent.userid)
    deed = begin(client, kind="tag", value="已开课")
    assert bulk_job.advance(site.system, clock.now())
    with site.store.write() as session:
        session.scalars(select(Account).where(Account.agent_id == agent.id)).one().disabled_at = clock.now()
    run(site)
    assert states(site, deed) == {"done": 2, "failed": MANY - 2}


def test_foreign_customers_and_deeds_are_out_of_reach(site: Site) -> None:
    admin, other = site.signed_in(), site.signed_in("agent", userid="nobody-s")
    mine = [str(row.id) for row in all_of(site, Customer)]
    asked = other.post("/customers/deeds", data={"kind": "tag", "value": "已开课", "id": mine})
    assert asked.status_code == 409
    deed = begin(admin, kind="tag", value="已开课")
    assert other.get(f"/customers/deeds/{deed}").status_code == 404
    assert "/customers/deeds/" not in re.sub(r"deeds/check", "", other.get("/customers/deeds").text)


def test_a_piece_that_is_repeated_does_nothing_twice(site: Site) -> None:
    deed = begin(site.signed_in(), kind="tag", value="已开课")
    run(site)
    with site.store.write() as session:
        row = session.get_one(BulkDeed, deed)
        row.state = "running"
        for item in session.scalars(select(BulkItem)):
            item.state = "waiting"
    run(site)
    assert states(site, deed) == {"skipped": MANY}
    assert len(all_of(site, Tagging)) == MANY


def test_tags_place_customers_at_the_furthest_of_their_stages(site: Site) -> None:
    with site.store.write() as session:
        rows = Rows(session, clock.now())
        for n, customer in enumerate(session.scalars(select(Customer).order_by(Customer.id))):
            for tag in ("老客", "已开课")[: n % 3]:  # none, one, both
                rows.tag(customer, tag)
    client = site.signed_in()
    assert "老客" in client.get("/customers/place").text
    form = {"pipeline": "课程转化", "tag": ["老客", "已开课"], "stage": ["考虑价格", "成交"]}
    assert client.post("/customers/place", data=form).status_code == 204
    run(site)
    stages = sorted(row.stage for row in all_of(site, Placement, Placement.pipeline == "课程转化"))
    assert stages == ["成交"] * 2 + ["新线索"] * 3 + ["考虑价格"] * 2
    for deed in all_of(site, BulkDeed):
        assert client.post(f"/customers/deeds/{deed.id}/undo").status_code == 204
    run(site)
    assert {row.stage for row in all_of(site, Placement, Placement.pipeline == "课程转化")} == {"新线索"}
    assert client.post("/customers/place", data={"tag": ["老客"], "stage": [""]}).status_code == 409
