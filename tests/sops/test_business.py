"""Orders and events of other systems: cards move, SOPs start and stop, once, in one transaction; history is quiet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.customers.order_given import OrderGiven
from bot.customers.orders import OrderOf
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import BusinessEvent, Customer, Order, SopEnrolment, StageMove
from bot.sops.business import enter_orders, follow_event
from tests.support.rows import Rows
from tests.support.site import Site, open_site

CONFIG = """
[[pipelines]]
name = "课程转化"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "成交", on = ["order:正价课"], won = true },
  { name = "退款", on = ["refund:*"], aside = true },
]

[[sops]]
id = "nurture"
on = "event:完成试听"
stop = ["order:2999课"]

  [[sops.steps]]
  after = "1d"
  say = "您好"

[[sops]]
id = "thanks"
on = "order:*"

  [[sops.steps]]
  after = "1d"
  say = "谢谢"
"""


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG, {"TICI_DATABASE_URL": database_url}) as site:
        with site.store.write() as session:
            rows = Rows(session, clock.now())
            rows.customer("王", agent=rows.agent())
        yield site


def order(site: Site, at: datetime, *, quiet: bool = False, **values: Any) -> None:
    given = {"own_id": "1", "amount": 299900, "ordered_at": at, "product_name": "2999课", "category": "正价课"}
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        enter_orders(work, {1: state}, "shop", [OrderOf(1, OrderGiven(**(given | values)))], quiet=quiet)


def rows(site: Site, model: Any, *where: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).where(*where).order_by(model.id)).all()


def test_an_order_moves_starts_and_stops_once_and_a_refund_may_be_named(site: Site) -> None:
    now = clock.now()
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        event = {"source": "school", "own_id": "e", "name": "完成试听", "taken_at": now, "properties": {}}
        row = BusinessEvent(customer_id=1, at=now, **event)
        work.session.add(row)
        follow_event(work, state, row)
    assert [row.sop_id for row in rows(site, SopEnrolment)] == ["nurture"]
    for _ in range(3):
        order(site, now)
    moves, enrolments = rows(site, StageMove), rows(site, SopEnrolment)
    assert [(row.to_stage, row.cause, row.trigger) for row in moves[1:]] == [("成交", "event", "order:正价课")]
    assert moves[-1].evidence == "买了「2999课」"
    assert [(row.sop_id, row.ended_because) for row in enrolments] == [
        ("nurture", "买了「2999课」"),
        ("thanks", None),
    ]
    order(site, now, status="refunded")
    order(site, now)
    assert [row.to_stage for row in rows(site, StageMove)[2:]] == ["退款", "成交"]
    assert len(rows(site, SopEnrolment)) == 2
    page = site.signed_in().get("/c/1").text
    assert "退了「2999课」" in page


def test_history_and_quiet_imports_start_nothing(site: Site) -> None:
    order(site, clock.now() - timedelta(days=31))
    order(site, clock.now(), own_id="2", quiet=True)
    assert len(rows(site, Order)) == 2
    assert len(rows(site, StageMove)) == 1
    assert rows(site, SopEnrolment) == []
