"""Chance that repeats itself: the same seed gives the same draws on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """A stream of draws from a seed."""

    def __init__(self, seed: int | str) -> None:
        self._seed, self._drawn = str(seed), 0

    def below(self, end: int) -> int:
        """A whole number from 0 up to, but not including, `end`."""
        self._drawn += 1
        digest = hashlib.sha256(f"{self._seed}:{self._drawn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % end

    def fraction(self) -> float:
        return self.below(10**9) / 10**9

    def one_of(self, things: Sequence[T]) -> T:
        return things[self.below(len(things))]

    def weighed(self, weights: dict[T, int]) -> T:
        """One of the keys, each as often as its weight says."""
        left = self.below(sum(weights.values()))
        for thing, weight in weights.items():
            left -= weight
            if left < 0:
                return thing
        raise AssertionError("weights changed while drawing")

    def shuffled(self, things: Sequence[T]) -> list[T]:
        rest = list(things)
        return [rest.pop(self.below(len(rest))) for _ in range(len(rest))]
