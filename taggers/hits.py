"""Tag hits: a hit with its evidence, and how often within a window it must happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from taggers.rule import Score


class Span(NamedTuple):
    """A keyword as it stands in the original text: characters start..end (end is exclusive)."""

    keyword: str
    start: int
    end: int


class TagHit(NamedTuple):
    """A rule saw its tag. `times` within `within` still has to be asked of `enough`.

    field: what it fills (taggers.facts); value: where its expression's named group stands; doubtful: said in a
    question or denied, so that nothing is told. moves_in_groups: what was said in a group may move the card.
    shadow: only to be counted. conduct: what a rule about agents' conduct is called; empty for all others.
    """

    rule_id: str
    tag: str
    version: str
    msgid: str
    spans: tuple[Span, ...]
    reason: str
    score: Score
    reply: str | None
    expires: timedelta | None
    times: int
    within: timedelta | None
    field: str = ""
    value: Span | None = None
    doubtful: bool = False
    moves_in_groups: bool = False
    shadow: bool = False
    conduct: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule that could have hit did, or did not. `missed` is empty for a hit."""

    rule_id: str
    tag: str
    hit: bool
    reason: str
    spans: tuple[Span, ...]
    missed: tuple[str, ...] = ()


def enough(hit: TagHit, earlier: Sequence[datetime], now: datetime) -> bool:
    """Tell whether this hit, with the earlier ones of the same rule and customer, makes `times` within `within`."""
    if hit.times <= 1:
        return True
    since = now - hit.within if hit.within is not None else None
    counted = sum(1 for at in earlier if at <= now and (since is None or at > since))
    return counted + 1 >= hit.times
