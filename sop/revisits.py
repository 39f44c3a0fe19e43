"""Revisits: of the customers who are due for a word of ours, whom each agent is asked to look in on today."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sop.translatable import Translatable

OUTCOMES: dict[str, str] = {
    "lead": Translatable("有了线索"), "event": Translatable("想参加活动"),
    "feedback": Translatable("给了反馈"), "nothing": Translatable("没有收获"),
}  # fmt: skip
"""What may come of a revisit."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody on the list, and who would look in. rank: 0 for those who are wanted most.

    last_at: the last word of ours or the last revisit, whichever is later; None: never.
    """

    customer_id: int
    agent_id: int
    rank: int
    last_at: datetime | None


def is_due(one: Candidate, every: timedelta, now: datetime) -> bool:
    """Whether so much time has passed without a word of ours."""
    return one.last_at is None or now - one.last_at >= every


def choose(candidates: Iterable[Candidate], taken: Mapping[int, int], per_day: int) -> list[Candidate]:
    """Whom to look in on: the most wanted first, then those without a word for the longest; `per_day` an agent.

    taken: how many each agent has of this day already.
    """
    counts, chosen = dict(taken), []
    for one in sorted(candidates, key=_place):
        if counts.get(one.agent_id, 0) < per_day:
            counts[one.agent_id] = counts.get(one.agent_id, 0) + 1
            chosen.append(one)
    return chosen


def _place(one: Candidate) -> tuple[int, float, int]:
    return one.rank, one.last_at.timestamp() if one.last_at else 0.0, one.customer_id
