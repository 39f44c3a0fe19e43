"""Conditions of the customer list by orders, against a plain count over the same orders; on both databases."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - orders by a seed
from typing import NamedTuple

import pytest

from bot.platform import clock
from bot.platform.models import Order
from tests.support.exported import export
from tests.support.rows import Rows
from tests.support.site import CONFIG, Site, open_site

PEOPLE = 40
NOW = clock.now()
PRODUCTS = (("2999", "2999课", "正价课"), ("trial", "体验课", "体验"), ("book", "教材", ""))


class Bought(NamedTuple):
    """One order as the plain count reads it."""

    who: int
    called: tuple[str, str, str]
    amount: int
    at: datetime
    status: str
    currency: str


def made() -> list[Bought]:
    chance = Random(16)
    return [
        Bought(
            chance.randrange(1, PEOPLE), chance.choice(PRODUCTS), chance.choice((0, 990, 29900, 299900)),
            NOW - timedelta(days=chance.randrange(120), minutes=5), chance.choice(("paid", "paid", "refunded")),
            chance.choice(("CNY", "CNY", "USD")),
        )
        for _ in range(90)
    ]  # fmt: skip


ORDERS = made()
PAID = [one for one in ORDERS if one.status == "paid"]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("orders")
    if request.param == "sqlite":
        with open_site(folder, CONFIG) as site:
            yield fill(site)
    else:
        with request.getfixturevalue("postgres").database() as url:
            with open_site(folder, CONFIG, {"TICI_DATABASE_URL": url}) as site:
                yield fill(site)


def fill(site: Site) -> Site:
    with site.store.write() as session:
        rows = Rows(session, NOW)
        for n in range(PEOPLE):
            rows.customer(f"客户{n}")
        for n, one in enumerate(ORDERS):
            code, name, category = one.called
            session.add(
                Order(
                    source="shop", own_id=str(n), customer_id=one.who, product_code=code, product_name=name,
                    category=category, amount=one.amount, currency=one.currency, status=one.status, ordered_at=one.at,
                    changed_at=NOW, taken_at=NOW,
                )
            )  # fmt: skip
    return site


def having(test: Callable[[list[Bought]], bool]) -> int:
    return sum(test([one for one in PAID if one.who == who]) for who in range(1, PEOPLE + 1))


def codes(orders: list[Bought]) -> set[str]:
    return {one.called[0] for one in orders}


def age(one: Bought) -> timedelta:
    return NOW - one.at


def yuan(orders: list[Bought]) -> float:
    return sum(one.amount for one in orders if one.currency == "CNY") / 100


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("order=2999课", having(lambda o: any("2999课" in one.called for one in o))),
        ("order=trial", having(lambda o: any("trial" in one.called for one in o))),
        (
            "order=正价课&no-order=体验",
            having(lambda o: codes(o) & {"2999", "trial"} == {"2999"}),
        ),
        ("order=*", having(bool)),
        ("no-order=*", having(lambda o: not o)),
        ("order=没有的", 0),
        ("orders=2", having(lambda o: len(o) >= 2)),
        ("orders=0", PEOPLE),
        ("spent=3000", having(lambda o: yuan(o) >= 3000)),
        ("spent=2999", having(lambda o: yuan(o) >= 2999)),
        ("spent=0", PEOPLE),
        ("order-within=30", having(lambda o: any(age(one) < timedelta(30) for one in o))),
        ("order-before=30", having(lambda o: bool(o) and all(age(one) >= timedelta(30) for one in o))),
    ],
)
def test_orders_are_asked_for_as_a_plain_count_finds_them(site: Site, asked: str, expected: int) -> None:
    assert site.signed_in().get(f"/customers/count?{asked}").text == f"符合 {expected} 位"


def test_there_is_something_to_tell_apart() -> None:
    counts = [having(lambda o, n=n: len(o) >= n) for n in (1, 2, 3)]  # type: ignore[misc]
    assert PEOPLE > counts[0] > counts[1] > counts[2] > 0
    assert 0 < having(lambda o: yuan(o) >= 3000) < having(lambda o: yuan(o) >= 2999) < counts[0]


def test_columns_say_how_many_how_much_and_when(site: Site) -> None:
    columns = "col=orders&col=spent&col=ordered"
    client = site.signed_in()
    text = client.get(f"{export(site, client, columns)}/file").text.removeprefix("\ufeff")
    titles, *rows = csv.reader(io.StringIO(text))
    assert titles[2:] == ["订单数", "付过（元）", "最近下单"]
    told = {row[1]: (row[2], row[3]) for row in rows}
    for who in range(1, PEOPLE + 1):
        mine = [one for one in PAID if one.who == who]
        expected = (str(len(mine)), str(yuan(mine))) if mine else ("", "")
        assert told[f"客户{who - 1}"] == expected
    assert re.search(r'data-name="订单数" class="number">\s*\d', client.get(f"/customers?{columns}").text)


def test_what_is_sold_is_offered(site: Site) -> None:
    client = site.signed_in()
    offered = client.get("/customers/condition?kind=order").text
    for name in ("任何东西", "2999课", "正价课", "教材"):
        assert f">{name}</option>" in offered
    assert "买过 <bdi>任何东西</bdi>" in client.get("/customers?order=*").text
