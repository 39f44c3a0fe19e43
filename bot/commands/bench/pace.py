"""Pace: how fast several ways of doing something are, in rounds that take turns, so that a busy moment meets all."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Measured = Callable[[], int]
"""What is timed; returns how many it did."""
Way = Callable[[int], Measured]
"""Prepares the round of this number, which is not timed."""


@dataclass(frozen=True)
class Pace:
    """Medians of the rounds: how many a second by the clock, and microseconds of this process's processor each."""

    per_second: float
    microseconds: float


class ShortRoundError(RuntimeError):
    """A round that did not do all it should have: its time would mean nothing."""


def measure_paces(
    ways: Mapping[str, Way], count: int, rounds: int, advance: Callable[[], object] = lambda: None
) -> dict[str, Pace]:
    """Do each way in turn, so many rounds; `advance` is called after each of them. Raises ShortRoundError."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for nth in range(rounds):
        for name, way in ways.items():
            spent[name].append(_timed(way(nth), name, count))
            advance()
    return {name: _pace(times, count) for name, times in spent.items()}


def _timed(measured: Measured, name: str, count: int) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    if (done := measured()) != count:
        raise ShortRoundError(f"{name}: {done} of {count}")
    return time.perf_counter() - began, time.process_time() - worked


def _pace(times: list[tuple[float, float]], count: int) -> Pace:
    clock, processor = (statistics.median(column) for column in zip(*times, strict=True))
    return Pace(round(count / clock, 1), round(processor / count * 1e6, 1))
