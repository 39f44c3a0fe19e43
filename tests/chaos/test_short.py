"""The chaos runner itself: a short run on every machine, and a plan that a seed repeats."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.ops.consistency import audit, audit_archive
from bot.platform import clock
from tests.chaos import plan
from tests.chaos.__main__ import Run, compare, settle
from tests.chaos.city import City
from tests.chaos.faults import FAULTS
from tests.chaos.plan import Fault, make_orders, make_plan
from tests.chaos.reckoning import reckon
from tests.chaos.talks import lines, people

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
