"""The chaos runner itself: a short run on every machine, and a plan that a seed repeats."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.ops.consistency import audit, audit_archive
from bot.platform import clock
from tests.chaos import plan
from tests.chaos.__main__ import Run, settle
from tests.chaos.city import City
from tests.chaos.faults import FAULTS
from tests.chaos.plan import make_orders, make_plan
from tests.chaos.reckoning import reckon
from tests.chaos.talks import lines, people

SECONDS = 12.0


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
    kills = [fault for fault in make_plan(4, SECONDS, 8) if fault.name != "kill-database"]
    run = Run(city, everybody, kills, make_orders(4, 1)[:6], SECONDS)
    run.go()
    city.pardon()
    _, left = settle(city, patience=300)
    assert left == []
    found = reckon(city.system, city.folder / "sandbox", everybody)
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
