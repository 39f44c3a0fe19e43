"""Impressions: what our own people think of a customer, in four words that one tap gives.

Formula: of each person their latest word counts, "" takes it back; of all people's the newest stands. A score is a
reference and never intent: who has talked with the customer knows better. Source: the house's articles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from taggers.translatable import Translatable

KEEN, WARM, LOOKING, PEER = "keen", "warm", "looking", "peer"
TITLES: dict[str, str] = {
    KEEN: Translatable("有意向"), WARM: Translatable("聊得来"),
    LOOKING: Translatable("只是看看"), PEER: Translatable("像是同行"),
}  # fmt: skip
LIKED = {KEEN: 1, WARM: 1, LOOKING: 0, PEER: -1}
"""What each word says of how well the customer cooperates (taggers.models.records.Known.liked)."""


@dataclass(frozen=True, slots=True)
class Impression:
    """A word of somebody's, at `at`. word: a key of TITLES, or "" where they took theirs back."""

    author: str
    word: str
    at: datetime


def of_each(told: Iterable[Impression]) -> tuple[Impression, ...]:
    """What each person thinks now, the newest first; told: oldest first."""
    latest: dict[str, Impression] = {}
    for one in told:
        latest.pop(one.author, None)
        latest[one.author] = one
    return tuple(one for one in reversed(latest.values()) if one.word in TITLES)


def standing(told: Iterable[Impression]) -> str:
    """The word that counts, "" for none; told: oldest first."""
    return next((one.word for one in of_each(told)), "")
