"""Worth: what a customer brings in, how loyal they are, and the member level that both give.

Formula: value is what the orders within `window` come to, less refunds, for 30 days (fen a month); loyalty is how
many orders that makes for 30 days. Whoever is worth `worth_from` yuan a month gets the better service; whoever orders
`loyal_from` times a month gets small perks. Points of the level: value in yuan * per_yuan + loyalty * per_order.
Source: the house's articles (value before frequency: 5 orders of 200 are worth more than 20 of 20).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from taggers.models.records import Known, paid_orders
from taggers.models.terms import Level, WorthTerms
from taggers.translatable import Translatable

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Worth:
    """value: fen in 30 days; loyalty: orders in 30 days; points: for the level. level: "" where there is none."""

    value: int
    loyalty: float
    points: int
    level: str
    well_served: bool
    perks: bool
    why: str


def weigh_worth(known: Known, terms: WorthTerms, now: datetime) -> Worth:
    """What the customer is worth."""
    lately = [one for one in paid_orders(known.orders, now) if one.paid_at > now - terms.window]
    months = terms.window / MONTH
    value, loyalty = round(sum(one.net for one in lately) / months), len(lately) / months
    points = round(value / 100 * terms.per_yuan + loyalty * terms.per_order)
    return Worth(
        value, loyalty, points, level_of(points, terms.levels) if lately else "",
        value >= 100 * terms.worth_from, loyalty >= terms.loyal_from,
        Translatable("{n} 天里 {count} 单，合每月 {yuan} 元、{rate} 单",
                     n=terms.window.days, count=len(lately), yuan=f"{value / 100:g}", rate=f"{loyalty:.3g}"),
    )  # fmt: skip


def level_of(points: int, levels: tuple[Level, ...]) -> str:
    """The highest level whose points are reached."""
    reached = [one for one in levels if points >= one.from_]
    return max(reached, key=lambda one: one.from_).name if reached else ""
