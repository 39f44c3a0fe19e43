"""Lifecycle: 获取, 提升, 成熟, 衰退, 离开, by the business's own thresholds.

Formula: acts are orders, or days with a talk where the business sells none (`by`). No act, or one: 获取; from the
second on 提升; `mature` acts within 30 days: 成熟. No act for `asleep_after`, or, of who was mature 30 days before,
fewer than `drop` of the acts they had then: 衰退 (wake up). None for `gone_after`: 离开 (win back).
Source: the house's articles (mature customers order 15 times a month; 4 days without one means asleep, 15 gone).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from taggers.models.records import Known, paid_orders
from taggers.models.terms import LifecycleTerms
from taggers.translatable import Translatable

MONTH = timedelta(days=30)
GAINED, GROWING, MATURE = Translatable("获取"), Translatable("提升"), Translatable("成熟")
ASLEEP, GONE = Translatable("衰退"), Translatable("离开")
PHASES = (GAINED, GROWING, MATURE, ASLEEP, GONE)


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase and why."""

    phase: str
    why: str


def phase_of(known: Known, terms: LifecycleTerms, now: datetime, zone: tzinfo, *, sells: bool = True) -> Phase:
    """Where the customer is. sells: whether the business has orders at all; else talks count, whatever `by` says."""
    if terms.by == "orders" and sells:
        return _phase([one.paid_at for one in paid_orders(known.orders, now)], terms, now, _ORDERS)
    days = {at.astimezone(zone).date(): at for at in sorted(known.talks) if at <= now}  # of each day its last
    return _phase(sorted(days.values()), terms, now, _TALKS)


_ORDERS = Translatable("下单")
_TALKS = Translatable("聊天")


def _phase(acts: Sequence[datetime], terms: LifecycleTerms, now: datetime, act: str) -> Phase:
    if not acts:
        return Phase(GAINED, Translatable("还没有过第一次{act}", act=act))
    rest = now - acts[-1]
    lately, before = _within(acts, now, 0), _within(acts, now, 1)
    quiet = Translatable("最近一次{act}在 {days} 天前", act=act, days=rest.days)
    if rest >= terms.gone_after:
        return Phase(GONE, quiet)
    if rest >= terms.asleep_after:
        return Phase(ASLEEP, quiet)
    if before >= terms.mature and lately < terms.drop * before:
        return Phase(
            ASLEEP, Translatable("30 天里{act} {n} 次，前 30 天有 {before} 次", act=act, n=lately, before=before)
        )
    counted = Translatable("30 天里{act} {n} 次，一共 {total} 次", act=act, n=lately, total=len(acts))
    if lately >= terms.mature:
        return Phase(MATURE, counted)
    return Phase(GROWING if len(acts) > 1 else GAINED, counted)


def _within(acts: Sequence[datetime], now: datetime, months_ago: int) -> int:
    """How many acts fell into the last 30 days, or into those before."""
    end = now - months_ago * MONTH
    return sum(end - MONTH < at <= end for at in acts)
