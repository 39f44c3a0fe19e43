"""Measures what the models cost: a whole night for everybody, one customer, and counting by what they said."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, insert, select, text

from bot.commands.bench.scratch_systems import Surroundings, scratch_system
from bot.commands.bench.seeded_customer import RowBatch
from bot.customers.nightly_portraits import advance
from bot.customers.portraits import refresh
from bot.customers.scores import rescore
from bot.customers.selection import Condition, where
from bot.platform import clock
from bot.platform.models import Customer, Portrait, ScoreEntry
from bot.system import System

AT_ONCE = 1000
ONES = 50
COUNTED = (
    (Condition("cell", "双高"),),
    (Condition("phase", "获取"), Condition("silent", "3")),
    (Condition("score", "20"), Condition("no-tag", "高意向"), Condition("frequent", "2")),
)
MOST_NIGHT, MOST_ONE, MOST_COUNT = 60.0, 50.0, 300.0


@dataclass(frozen=True)
class ModelCosts:
    """night: seconds of ledgers and models of everybody; one, count: milliseconds, the slowest of all tried."""

    customers: int
    entries: int
    ledgers: float
    models: float
    one: float
    count: float

    @property
    def holds(self) -> bool:
        night = self.ledgers + self.models
        return night <= MOST_NIGHT and self.one <= MOST_ONE and self.count <= MOST_COUNT


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
        return ModelCosts(customers, entries, round(ledgers, 1), round(models, 1), round(1000 * one, 1),
                          round(1000 * count, 1))  # fmt: skip


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
    with system.store.write() as session:
        batch.write(session)
        session.execute(insert(ScoreEntry), entries)


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


def _seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began
