"""The benchmarks do all of the work that they time, and say what they should have done where they did not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.bench import callback, deliver, due, growth, ingest_workers
from bot.commands.bench.growth import measure_growth
from bot.commands.bench.ingest_workers import measure_workers
from bot.commands.bench.pace import ShortRoundError, measure_paces
from bot.commands.bench.scratch_systems import Surroundings
from tests.support.bench_place import bench_place


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Surroundings]:
    with bench_place(tmp_path, database_url) as found:
        yield found


def test_a_round_that_did_less_is_no_measurement() -> None:
    assert set(measure_paces({"a": lambda nth: lambda: 3, "b": lambda nth: lambda: 3}, 3, 2)) == {"a", "b"}
    with pytest.raises(ShortRoundError, match="b: 2 of 3"):
        measure_paces({"a": lambda nth: lambda: 3, "b": lambda nth: lambda: 3 - nth}, 3, 2)


def test_callbacks_are_stored_and_steps_decided(place: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    for bench in (callback, due):
        monkeypatch.setattr(bench, "ROUNDS", 2)
    told: list[None] = []
    answered = callback.measure(place, 5, lambda: told.append(None))
    decided = due.measure(place, 7, lambda: told.append(None))
    assert set(answered) == {"bare", "unsealed", "answered"}
    assert set(decided) == {"claimed", "decided"}
    assert len(told) == 2 * 3 + 2 * 2
    assert all(pace.per_second > 0 for pace in (*answered.values(), *decided.values()))


def test_the_cost_of_growth_is_measured(place: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "TAKEN_IN", 60)
    small, stored = measure_growth(place, [(0, 30), (200, 1)])
    assert (small.rules, stored.stored) == (30, 200)
    assert min(small.beside_rsa, stored.beside_rsa, stored.bytes_stored) > 0


@pytest.mark.long
def test_rows_leave_through_a_worker(place: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliver, "ROUNDS", 1)
    found = deliver.measure(place, 4)
    assert min(found["called"].per_second, found["delivered"].per_second) > 0


@pytest.mark.long
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_real_workers_read_everything(place: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_workers, "CUSTOMERS", 20)  # each is looked up at WeCom, and those who ask get a card
    run = measure_workers(place, 1100, 2)
    assert (run.workers, run.messages) == (2, 1100)
    assert min(run.whole, run.rsa_alone) > 0
