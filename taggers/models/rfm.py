"""RFM: how lately, how often and for how much a customer buys; or how lately and how often they talk.

Formula: R is the time since the last order; F the number of orders within `window`; M what they come to there, in fen
(`money`: total or average). Each is put into one of `grades` grades (5 gives 125 cells), n the best: by bounds of the
config, or by the quantiles of all customers (bound k of n is the value at place floor(k * (count - 1) / n) of them in
order; a value above a bound is beyond it). A grade above the middle is high; the eight groups follow from the three.
Of who never ordered, talks count instead: R since the last one, F days with one. They have no M, and
groups of their own.
Source: A. M. Hughes, Strategic Database Marketing (1994), chapter on RFM.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from taggers.models.records import Known, paid_orders, talk_days
from taggers.models.terms import RfmTerms
from taggers.translatable import Translatable

Basis = Literal["orders", "talks"]
BASES: tuple[Basis, ...] = ("orders", "talks")
GROUPS = {
    (True, True, True): Translatable("重要价值"), (False, True, True): Translatable("重要保持"),
    (True, False, True): Translatable("重要发展"), (False, False, True): Translatable("重要挽留"),
    (True, True, False): Translatable("一般价值"), (False, True, False): Translatable("一般保持"),
    (True, False, False): Translatable("一般发展"), (False, False, False): Translatable("一般挽留"),
}  # fmt: skip
TALKERS = {
    (True, True): Translatable("近来常聊"), (True, False): Translatable("近来偶尔聊"),
    (False, True): Translatable("以前常聊"), (False, False): Translatable("很少聊"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured of one customer. money: in fen; 0 by talks."""

    basis: Basis
    last_at: datetime
    frequency: int
    money: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds between grades, ascending: of ages in seconds, of frequencies, of money in fen."""

    ages: tuple[float, ...] = ()
    frequencies: tuple[float, ...] = ()
    money: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rfm:
    """The grades; m is 0 by talks."""

    measure: Measure
    r: int
    f: int
    m: int
    group: str
    why: str

    @property
    def cell(self) -> str:
        """The grades beside each other: "543"."""
        return "".join(str(grade) for grade in (self.r, self.f, self.m) if grade)


def measure(known: Known, terms: RfmTerms, now: datetime, zone: tzinfo) -> Measure | None:
    """What there is to grade; None for who neither ordered nor spoke."""
    orders = paid_orders(known.orders, now)
    if orders:
        lately = [one.net for one in orders if one.paid_at > now - terms.window]
        total = sum(lately)
        money = round(total / len(lately)) if lately and terms.money == "average" else total
        return Measure("orders", orders[-1].paid_at, len(lately), money)
    days = talk_days(known.talks, now, zone)
    if not days:
        return None
    since = (now - terms.window).astimezone(zone).date()
    last = max(at for at in known.talks if at <= now)
    return Measure("talks", last, sum(day > since for day in days), 0)


def bounds_of(measures: Iterable[Measure], terms: RfmTerms, now: datetime) -> dict[Basis, Bounds]:
    """The bounds of each basis: those of the config, else the quantiles of these."""
    found: dict[Basis, Bounds] = {}
    mine = list(measures)
    for basis in BASES:
        here = [one for one in mine if one.basis == basis]
        found[basis] = Bounds(
            _given(terms.recency) or quantiles([_age(one, now) for one in here], terms.grades),
            tuple(map(float, terms.frequency)) or quantiles([one.frequency for one in here], terms.grades),
            tuple(100.0 * yuan for yuan in terms.amounts) or quantiles([one.money for one in here], terms.grades),
        )
    return found


def quantiles(values: Sequence[float], parts: int) -> tuple[float, ...]:
    """The bounds that cut values into so many parts; none for no values."""
    ordered = sorted(values)
    return tuple(float(ordered[k * (len(ordered) - 1) // parts]) for k in range(1, parts)) if ordered else ()


def grade(one: Measure, bounds: Bounds, now: datetime) -> Rfm:
    """Put one customer into a cell and a group."""
    return Rfm(one, *place(one, bounds, now), _why(one, now))


def place(one: Measure, bounds: Bounds, now: datetime) -> tuple[int, int, int, str]:
    """The grades r, f and m, and the group."""
    grades = len(bounds.ages) + 1
    r = grades - bisect_left(bounds.ages, _age(one, now))
    f = 1 + bisect_left(bounds.frequencies, one.frequency)
    m = 1 + bisect_left(bounds.money, one.money) if one.basis == "orders" else 0
    high = is_high(r, grades), is_high(f, len(bounds.frequencies) + 1), is_high(m, len(bounds.money) + 1)
    return r, f, m, GROUPS[high] if one.basis == "orders" else TALKERS[high[:2]]


def is_high(grade: int, grades: int) -> bool:
    """Whether a grade is above the middle."""
    return 2 * grade > grades + 1


def _why(one: Measure, now: datetime) -> str:
    days = max((now - one.last_at) // timedelta(days=1), 0)
    if one.basis == "talks":
        return Translatable("没有订单，按聊天算：{days} 天前聊过，这段时间有 {n} 天聊过", days=days, n=one.frequency)
    return Translatable(
        "{days} 天前下过单，这段时间 {n} 单，{yuan} 元", days=days, n=one.frequency, yuan=f"{one.money / 100:g}"
    )


def _age(one: Measure, now: datetime) -> float:
    return max((now - one.last_at).total_seconds(), 0.0)


def _given(lengths: Sequence[timedelta]) -> tuple[float, ...]:
    return tuple(one.total_seconds() for one in lengths)
