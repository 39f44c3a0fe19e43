"""Wording use: how often words were offered, sent, answered and moved on from, and what follows for their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sop.intervals import wilson

LIVE = timedelta(days=1)
"""How long words that were offered may be sent, and words that were sent answered, to count as such."""

LEAST = 20
"""With fewer that could be answered no share is said: its interval would span nearly half of all there is."""

_SPAN = 0.2  # use moves a fit by a tenth either way at most: what is asked counts more than what is liked
_NEVER_TAKEN = 10


@dataclass(frozen=True, slots=True)
class WordingUse:
    """Counts of one wording. offered: beside a chat, of those that were sent or whose time is over; taken: of these.

    exact, edited: sent as they are, or changed, offered or not. judged: of those sent, how many were answered or
    have had their time; answered, moved: of these.
    """

    offered: int = 0
    taken: int = 0
    exact: int = 0
    edited: int = 0
    judged: int = 0
    answered: int = 0
    moved: int = 0

    def __add__(self, other: WordingUse) -> WordingUse:
        return WordingUse(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    @property
    def sent(self) -> int:
        return self.exact + self.edited

    @property
    def ignored(self) -> int:
        return self.offered - self.taken

    @property
    def enough(self) -> bool:
        """Whether there are enough to speak of shares."""
        return self.judged >= LEAST

    @property
    def answered_between(self) -> tuple[float, float]:
        """The 95 % interval of the share answered."""
        return wilson(self.answered, self.judged)

    @property
    def moved_between(self) -> tuple[float, float]:
        """The 95 % interval of the share after which the customer moved on."""
        return wilson(self.moved, self.judged)


NONE = WordingUse()


def by_use(scored: Sequence[tuple[str, float]], uses: Mapping[str, WordingUse]) -> list[str]:
    """Keys by how well they fit, moved up a little where agents take them, down where they pass them over."""
    weighed = {key: score * (1 - _SPAN / 2 + _SPAN * _liked(uses.get(key, NONE))) for key, score in scored}
    return sorted(weighed, key=lambda key: -weighed[key])


def is_refused(use: WordingUse) -> bool:
    """Whether agents were offered these words often enough and never took them."""
    return use.offered >= _NEVER_TAKEN and use.sent == 0


def most_used(keys: Sequence[str], uses: Mapping[str, WordingUse]) -> list[str]:
    """Keys by how often their words were sent; of equals the order stays."""
    return sorted(keys, key=lambda key: -uses.get(key, NONE).sent)


def _liked(use: WordingUse) -> float:
    """How often they are taken, 0..1; a half where nothing is known."""
    return (use.taken + 1) / (use.offered + 2)
