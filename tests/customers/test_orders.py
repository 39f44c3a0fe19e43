"""Orders: doubled, late and corrected versions, what they give in the ledgers, and what privacy knows of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.agents.order_deed import enter_imported, take_back_imported
from bot.customers.nightly_scores import rescore_nightly
from bot.customers.order_given import OrderGiven
from bot.customers.orders import OrderOf
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import BusinessEvent, Customer, Order, Product, ScoreEntry
from bot.privacy.erasure import erase
from bot.privacy.export import export
from bot.privacy.retention import purge
from bot.sops.business import enter_orders
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

SCORES = """
[[scores]]
ledger = "conversion"
give = [{ order = "正价课", points = 50 }, { order = "*", points = 5 }]

[privacy.retention]
orders = "30d"
business_events = "30d"
"""
NOW = clock.now()


@pytest.fixture
def site(tmp_path: Path, database_url: str) -> Iterator[Site]:
    with open_site(tmp_path, CONFIG + SCORES, {"TICI_DATABASE_URL": database_url}) as site:
        with site.store.write() as session:
            rows = Rows(session, NOW)
            for name in ("王", "李"):
                rows.customer(name)
        yield site


def given(number: str = "1", hour: int = 0, **values: Any) -> OrderGiven:
    at = NOW - timedelta(days=2)
    told = {"amount": 299900, "ordered_at": at, "updated_at": at + timedelta(hours=hour), "category": "正价课"}
    return OrderGiven(**{"own_id": number, **told, **values})


def take(site: Site, *told: OrderGiven, of: int = 1) -> list[str]:
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, of))
        taken = enter_orders(work, {of: state}, "shop", [OrderOf(of, one) for one in told], quiet=False)
        return [one.outcome for one in taken]


def rows(site: Site, model: Any, *where: Any) -> Any:
    with site.store.read() as session:
        return session.scalars(select(model).where(*where).order_by(model.id)).all()


def scores(site: Site) -> list[int]:
    return [row.conversion for row in rows(site, Customer)]


def test_versions_in_any_order_come_to_the_newest_one(site: Site) -> None:
    versions = (given(hour=0), given(hour=1, amount=199900), given(hour=2, status="refunded"))
    for turn, order in enumerate(permutations(versions)):
        for version in order:
            told = version.model_copy(update={"own_id": str(turn)})
            take(site, told)
            assert take(site, told)[0] in ("same", "stale")  # told a second time
    found = rows(site, Order)
    assert len(found) == 6
    assert {(row.status, row.amount) for row in found} == {("refunded", 299900)}
    assert scores(site) == [0, 0]


def test_an_order_gives_points_until_it_is_refunded_and_again_once_it_stands(site: Site) -> None:
    take(site, given(), given("2", category="体验课"))
    assert scores(site) == [60, 0]
    take(site, given(hour=1, status="refunded"))
    assert scores(site) == [5, 0]
    take(site, given(hour=2))
    assert scores(site) == [60, 0]
    take(site, given(hour=3), of=2)  # it was somebody else's
    assert scores(site) == [5, 55]
    assert len(rows(site, ScoreEntry, ScoreEntry.fallen_at.is_(None))) == 3
    rescore_nightly(site.system, NOW + timedelta(days=1))
    assert scores(site) == [5, 55]


def test_what_a_table_entered_is_taken_back_unless_it_changed_since(site: Site) -> None:
    take(site, given(hour=0))
    later = [given(hour=1, amount=1).model_dump(mode="json"), given("2").model_dump(mode="json")]
    table = {"source": "shop", "orders": later, "quiet": True}
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        undo = enter_imported(work, state, table, "")
        assert undo is not None
        assert enter_imported(work, state, table, "") is None
    take(site, given("2", hour=5, amount=7))
    with site.system.work() as work:
        state = load_customer(work.session, work.session.get_one(Customer, 1))
        assert take_back_imported(work, state, undo, "") == 1
    assert {(row.own_id, row.amount) for row in rows(site, Order)} == {("1", 299900), ("2", 7)}
    assert scores(site) == [110, 0]


def test_a_product_says_what_an_order_leaves_out(site: Site) -> None:
    with site.store.write() as session:
        session.add(Product(source="shop", code="A1", name="2999课", category="正价课", price=1, changed_at=NOW))
    take(site, given(product_code="A1", category=""))
    (order,) = rows(site, Order)
    assert (order.product_name, order.category, scores(site)[0]) == ("2999课", "正价课", 55)


def test_export_erasure_and_retention_know_orders_and_events(site: Site) -> None:
    take(site, given(note="送到前台"), given("old", ordered_at=NOW - timedelta(days=40)))
    with site.store.write() as session:
        for own_id, days in (("a", 1), ("b", 40)):
            event = {"source": "shop", "own_id": own_id, "name": "签到", "taken_at": NOW, "properties": {"n": 1}}
            session.add(BusinessEvent(customer_id=1, at=NOW - timedelta(days=days), **event))
    assert purge(site.system, NOW)["orders"] == 1
    assert [row.own_id for row in rows(site, BusinessEvent)] == ["a"]
    with site.store.read() as session:
        person = session.get_one(Customer, 1).external_userid
        tables = export(session, person, NOW)["tables"]
    assert [row["note"] for row in tables["orders"]] == ["送到前台"]
    assert [row["properties"] for row in tables["business_event"]] == [{"n": 1}]
    erase(site.system, person, "test", NOW)
    assert rows(site, Order) == rows(site, BusinessEvent) == []
