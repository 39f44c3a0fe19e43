"""Quadrant A to E: how often a customer orders against how large an order is, and how they moved.

Formula: A has never ordered. Of the others, often means `orders` orders or more within `window`, and large an average
of `ticket` yuan or more an order there (of all orders where there is none in it). B neither, C often, D large, E
both. The movement is from where they stood `compare` before.
Source: the house's articles (bring A to B, B to E, keep E).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from taggers.models.records import Known, Order, paid_orders
from taggers.models.terms import QuadrantTerms
from taggers.translatable import Translatable

QUADRANTS = ("A", "B", "C", "D", "E")


@dataclass(frozen=True, slots=True)
class Quadrant:
    """Where the customer stands, where they stood, and why."""

    name: str
    before: str
    why: str

    @property
    def movement(self) -> str:
        """ "B→E"; "" for who stayed."""
        return f"{self.before}→{self.name}" if self.before != self.name else ""


def quadrant_of(known: Known, terms: QuadrantTerms, now: datetime) -> Quadrant:
    """Where the customer stands at `now`."""
    orders = paid_orders(known.orders, now)
    lately = _lately(orders, terms, now)
    before = now - terms.compare
    was = _name([one for one in orders if one.paid_at <= before], terms, before)
    why: str = Translatable("还没有下过单")
    if orders:
        why = Translatable(
            "{days} 天里 {n} 单，平均每单 {yuan} 元",
            days=terms.window.days, n=len(lately), yuan=f"{_average(lately or orders) / 100:.4g}",
        )  # fmt: skip
    return Quadrant(_name(orders, terms, now), was, why)


def _name(orders: Sequence[Order], terms: QuadrantTerms, now: datetime) -> str:
    if not orders:
        return "A"
    lately = _lately(orders, terms, now)
    often, large = len(lately) >= terms.orders, _average(lately or orders) >= 100 * terms.ticket
    return {(False, False): "B", (True, False): "C", (False, True): "D", (True, True): "E"}[often, large]


def _lately(orders: Sequence[Order], terms: QuadrantTerms, now: datetime) -> list[Order]:
    return [one for one in orders if one.paid_at > now - terms.window]


def _average(orders: Sequence[Order]) -> float:
    return sum(one.net for one in orders) / len(orders)
