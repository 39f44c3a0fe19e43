"""AARRR: which of acquisition, activation, retention, referral and revenue a newcomer has reached.

Formula: everybody added is acquired. Activation is the first paid order, retention the second, where the business has
orders; else the first day with a talk, and a second one. Referral is a tag of [models.five_a] advocate; revenue is
any paid order. Each counts by itself: who recommends may never have bought. Source: the house's articles (AARRR is
the first two phases of the lifecycle plus referral).
"""

from __future__ import annotations

from dataclasses import dataclass

from taggers.translatable import Translatable

STEPS: tuple[str, ...] = (
    Translatable("获取"), Translatable("激活"), Translatable("留存"), Translatable("推荐"), Translatable("变现"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Acts:
    """What a newcomer has done: paid orders, days on which they spoke, whether they recommend us."""

    orders: int = 0
    talk_days: int = 0
    advocates: bool = False


def steps_of(acts: Acts, *, sells: bool) -> tuple[bool, bool, bool, bool, bool]:
    """Which of STEPS are reached, in their order. sells: the business has orders."""
    core = acts.orders if sells else acts.talk_days
    return True, core > 0, core > 1, acts.advocates, acts.orders > 0
