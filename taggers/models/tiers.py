"""Tiers S, A, B and C: what a customer pays against how well they cooperate.

Formula: worth is what the orders within `window` come to for 30 days. C pays less than `pays_from` yuan a month. Of
the others S is among the `top` part of all who pay (at least top_worth, a quantile of all customers); A cooperates
well, B does not (find the real problem first). Cooperation: what our people say of them, else an activity score of at
least `cooperates_from`. Source: the house's articles (S are 10 to 20 % with most of the revenue).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from taggers.models.records import Known, paid_orders
from taggers.models.terms import TierTerms
from taggers.translatable import Translatable

TIERS = ("S", "A", "B", "C")


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier and why. worth: fen a month; name: "" for who pays nothing yet; well: whether they
    cooperate."""

    name: str
    worth: int
    well: bool
    why: str


def worth_of(known: Known, terms: TierTerms, now: datetime) -> int:
    """What the customer pays, in fen a month."""
    total = sum(one.net for one in paid_orders(known.orders, now) if one.paid_at > now - terms.window)
    return round(total / (terms.window / timedelta(days=30)))


def top_worth(worths: Sequence[int], top: float) -> int:
    """From which worth a customer is among the top part of those who pay; never beyond what the best one pays."""
    paying = sorted((one for one in worths if one > 0), reverse=True)
    return paying[max(round(len(paying) * top), 1) - 1] if paying else 0


def tier_of(known: Known, terms: TierTerms, top: int, now: datetime) -> Tier:
    """Where the customer belongs; top: see top_worth, 0 where it is not known."""
    worth = worth_of(known, terms, now)
    well = cooperates(known, terms)
    if not worth:
        return Tier("", 0, well, Translatable("这段时间没有付款"))
    pays = Translatable("每月约 {yuan} 元", yuan=f"{worth / 100:g}")
    manner = Translatable("配合得好") if well else Translatable("不太配合")
    why = Translatable("{one}；{more}", one=pays, more=manner)
    return Tier(place(worth, top, well, terms), worth, well, why)


def place(worth: int, top: int, well: bool, terms: TierTerms) -> str:
    """The name of the tier by worth and cooperation."""
    if worth < 100 * terms.pays_from:
        return "C"
    if top and worth >= top:
        return "S"
    return "A" if well else "B"


def cooperates(known: Known, terms: TierTerms) -> bool:
    """Whether the customer cooperates well."""
    return known.activity >= terms.cooperates_from if known.liked is None else known.liked > 0
