"""Measures what knowing many customers costs: a night of models, one customer, counting, a list page, an import."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, insert, select, text

from bot.agents.list_rows import COLUMNS, rows_of
from bot.commands.bench.imported import import_lines
from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.commands.bench.seeded_customer import RowBatch
from bot.customers.nightly_portraits import advance
from bot.customers.portraits import refresh
from bot.customers.scores import rescore
from bot.customers.selection import Condition, where
from bot.platform import clock
from bot.platform.models import Customer, Order, Portrait, ScoreEntry
from bot.system import System

AT_ONCE = 1000
_ORDERS = 6  # customers have from none to one less
ONES = 50
COUNTED = (
    (Condition("cell", "双高"),),
    (Condition("phase", "获取"), Condition("silent", "3")),
    (Condition("score", "20"), Condition("no-tag", "高意向"), Condition("frequent", "2")),
    (Condition("orders", "2"),),
    (Condition("spent", "300"),),
    (Condition("order-before", "30"),),
    (Condition("no-order", "*"),),
)
SHOWN, PAGES = 50, 20  # customers of a page of the list, and pages measured
MOST_NIGHT, MOST_ONE, MOST_COUNT, MOST_PAGE, MOST_IMPORT = 60.0, 50.0, 300.0, 150.0, 60.0
IMPORTED = 50_000


@dataclass(frozen=True)
class ModelCosts:
    """ledgers, models: seconds for everybody; one, count, page: milliseconds, the slowest of all tried; imported:
    seconds of an import of 50,000 lines, reckoned from those there were."""

    customers: int
    entries: int
    ledgers: float
    models: float
    one: float
    count: float
    page: float
    imported: float

    @property
    def holds(self) -> bool:
        night = self.ledgers + self.models
        each = (self.one, MOST_ONE), (self.count, MOST_COUNT), (self.page, MOST_PAGE), (self.imported, MOST_IMPORT)
        return night <= MOST_NIGHT and all(value <= most for value, most in each)


def measure(
    place: Surroundings, customers: int, entries: int, advanced: Callable[[int], object] = lambda _n: None
) -> ModelCosts:
    """Measure on a new database with so many customers and entries; `advanced` is told how many more were made."""
    with scratch_system(place, "models") as system:
        now = clock.now()
        for first in range(1, customers + 1, AT_ONCE):
            numbers = range(first, min(first + AT_ONCE, customers + 1))
            _make(system, numbers, entries // customers, now)
            advanced(len(numbers))
        with system.store.write() as session:
            session.execute(text("ANALYZE"))
        ledgers = _seconds(lambda: _rescore(system, customers))
        models = _seconds(lambda: _portray(system))
        _check(system, customers)
        one = max(_seconds(partial(_one, system, n)) for n in range(1, min(ONES, customers) + 1))
        count = max(_seconds(partial(_count, system, asked)) for asked in COUNTED)
        page = max(
            _seconds(partial(_page, system, 1 + SHOWN * n)) for n in range(min(PAGES, customers // SHOWN) or 1)
        )
        lines = min(IMPORTED, customers)
        imported = import_lines(system, range(1, lines + 1)) * IMPORTED / lines
        return ModelCosts(customers, entries, round(ledgers, 1), round(models, 1), round(1000 * one, 1),
                          round(1000 * count, 1), round(1000 * page, 1), round(imported, 1))  # fmt: skip


def _make(system: System, numbers: range, each: int, now: datetime) -> None:
    batch = RowBatch()
    for n in numbers:
        batch.add(
            Customer, id=n, external_userid=f"wmMODEL{n:025}", name="", created_at=now - timedelta(days=n % 300),
            last_words="", activity=0, conversion=0, last_word_at=now - timedelta(hours=n % 3000),
        )  # fmt: skip
    entries = [
        {
            "id": n * each + k, "customer_id": n, "ledger": ("activity", "conversion")[k % 2], "points": 1 + n % 5,
            "source": f"rule:bench{k % 7}", "occasion": f"{n}/{k}", "version": "", "fallen_because": "",
            "at": now - timedelta(hours=n % 700 + k),
        }
        for n in numbers
        for k in range(each)
    ]  # fmt: skip
    orders = [
        {
            "id": n * _ORDERS + k, "source": "bench", "own_id": f"{n}/{k}", "customer_id": n, "amount": 10_000 + n,
            "product_name": f"课{n % 20}", "status": "refunded" if (n + k) % 9 == 0 else "paid",
            "changed_at": now, "taken_at": now, "ordered_at": now - timedelta(hours=(7 * n + 501 * k) % 9000),
        }
        for n in numbers
        for k in range(n % _ORDERS if n % 3 else 0)
    ]  # fmt: skip
    with system.store.write() as session:
        batch.write(session)
        session.execute(insert(ScoreEntry), entries)
        if orders:
            session.execute(insert(Order), orders)


def _rescore(system: System, customers: int) -> None:
    for first in range(1, customers + 1, AT_ONCE):
        with system.work() as work:
            rescore(work, range(first, min(first + AT_ONCE, customers + 1)))


def _portray(system: System) -> None:
    while True:
        with system.work() as work:
            if advance(work) is None:
                return


def _check(system: System, customers: int) -> None:
    with system.store.read() as session:
        found = session.scalar(select(func.count()).select_from(Portrait).where(Portrait.r > 0))
    if found != customers:
        raise RuntimeError(f"{found} of {customers} customers have a portrait")


def _one(system: System, customer_id: int) -> None:
    with system.work() as work:
        rescore(work, [customer_id])
        refresh(work, [customer_id])


def _count(system: System, asked: tuple[Condition, ...]) -> None:
    with system.look() as work:
        work.session.scalar(select(func.count(Customer.id)).where(*where(asked, work.now)))


def _page(system: System, first: int) -> None:
    with system.look() as work:
        people = select(Customer).where(Customer.id >= first).order_by(Customer.id).limit(SHOWN)
        rows_of(work, tuple(COLUMNS), work.session.scalars(people).all())


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
