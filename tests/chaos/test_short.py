"""The chaos runner itself: a short run on every machine, and a plan that a seed repeats."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.delivery.pauses import PAUSE, pause
from bot.delivery.rows import claim, close_row
from bot.ops.consistency import audit, audit_archive
from bot.platform import clock
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.work import Work
from bot.wecom.errors import WeComError
from bot.worker.handlers import HANDLERS
from tests.chaos import plan
from tests.chaos.__main__ import NEVER_LATER, Run, compare, held, settle
from tests.chaos.city import City
from tests.chaos.faults import FAULTS
from tests.chaos.plan import Fault, make_orders, make_plan
from tests.chaos.reckoning import reckon
from tests.chaos.talks import lines, people
from tests.support.parts import CONFIG

SECONDS = 12.0
# Somebody is forgotten, a backup comes back, the disk is full, a stranger comes, Redis is written to: in the middle.
HOSTILE = [
    Fault(2.0, "redis-poisoned"),
    Fault(3.0, "backup-restored", 4.0),
    Fault(4.0, "customer-erased"),
    Fault(5.0, "wrong-key-started"),
    Fault(6.0, "config-cut", 2.0),
    Fault(8.0, "disk-full", 3.0),
    Fault(9.0, "customer-erased"),
    Fault(10.0, "clock-a-day-on"),
]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    before = dict(os.environ)
    try:
        with City(tmp_path, f"sqlite:///{tmp_path / 'tici.db'}", None, workers=2, schedulers=2) as city:
            yield city
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.timeout(420)
def test_a_short_run_comes_out_even(city: City) -> None:
    """Kills at random and at named points while some talk: all is stored, tagged, moved and sent once."""
    everybody = people(300, agents=5)
    kills = [fault for fault in make_plan(4, SECONDS, 8) if fault.name not in ("kill-database", *plan.ONCE)]
    planned = sorted([*kills, *HOSTILE], key=lambda fault: fault.at)
    run = Run(city, everybody, planned, make_orders(4, 1)[:6], SECONDS)
    run.go()
    assert set(run.done) >= {fault.name for fault in HOSTILE}
    city.pardon()
    _, left = settle(city, patience=300)
    assert left == []
    compare(city)
    found = reckon(city, everybody)
    assert found.sound, found.examples
    assert found.cards > 0
    assert audit(city.system.store, clock.now(), running=False) == []
    assert audit_archive(city.system).count == 0


@pytest.mark.parametrize("kind", sorted(NEVER_LATER & HANDLERS.keys()))
def test_what_a_pause_holds_back_is_not_settled(store: Store, kind: str) -> None:
    """It was never tried and its time lies ahead, and still it is on its way: the judge waits for it."""
    now = clock.now()
    with store.write() as session:
        row = Work(session, parse_settings(CONFIG), now).send(kind, f"{kind}:1", {})
        session.flush()
        pause(session, f"{PAUSE}:{kind}", WeComError(45009, "too often", api="mark_tag"), now, 60)
        assert claim(session, row.id, "worker", now) is None
        assert (row.attempts, row.not_before) == (0, now + timedelta(seconds=60))
        session.flush()
        assert held(session) == 1
        close_row(row, "sent", now)
        session.flush()
        assert held(session) == 0


def test_the_same_seed_plans_the_same_faults() -> None:
    assert make_plan(7, 600, 100) == make_plan(7, 600, 100) != make_plan(8, 600, 100)
    assert make_orders(7, 3) == make_orders(7, 3)


def test_every_fault_that_is_planned_can_be_done() -> None:
    named = {f"kill-{who}" for who in plan.VICTIMS} | set(plan.FAULTS) | set(plan.ONCE)
    assert named == set(FAULTS)
    assert {fault.name for fault in make_plan(1, 600, 500)} == named


def test_everybody_says_all_their_lines_once() -> None:
    everybody = people(2500, agents=60)
    msgids = [line["msgid"] for _, line in lines(everybody)]
    assert len(msgids) == len(set(msgids)) == 2500
