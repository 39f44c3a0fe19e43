"""Preference: what a customer cares for, by topics that fade.

Formula: each time a tag of the topics' groups was earned, and each order of a product called like a topic, counts
0.5 ** (age / half_life); a tag that is carried without having been earned by a rule counts once, from when it was
given. Shares are parts of the sum. Source: exponential decay, as the ledgers have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum

from taggers.models.records import Known, paid_orders


@dataclass(frozen=True, slots=True)
class Preference:
    """A topic, what it weighs now, its share of all (0..1) and how many acts it rests on."""

    topic: str
    weight: float
    share: float
    acts: int


def preferences(known: Known, topics: Collection[str], half_life: timedelta, now: datetime) -> tuple[Preference, ...]:
    """The topics, the dearest first."""
    earned, acts = {one.tag for one in known.earned}, defaultdict[str, set[datetime]](set)
    for one in known.earned:
        acts[one.tag].add(one.at)
    for order in paid_orders(known.orders, now):
        acts[order.product].add(order.paid_at)
    for one in known.carried:
        if one.tag not in earned:
            acts[one.tag].add(one.at)
    weights = {
        topic: fsum(sorted(_left(now - at, half_life) for at in acts[topic] if at <= now))
        for topic in topics
        if topic in acts
    }
    total = fsum(sorted(weights.values())) or 1.0
    found = [
        Preference(topic, weight, weight / total, sum(at <= now for at in acts[topic]))
        for topic, weight in weights.items()
        if weight > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.topic)))


def _left(age: timedelta, half_life: timedelta) -> float:
    return float(0.5 ** (age / half_life))
