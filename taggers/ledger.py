"""Ledgers: what activity and conversion come to, by entries that stay, with a cap a day and a half-life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from math import fsum
from typing import Literal

Ledger = Literal["activity", "conversion"]
LEDGERS: tuple[Ledger, ...] = ("activity", "conversion")
ORDER, ANY = "order:", "*"
BEFORE = "before"  # the source of what a customer had when entries began to be kept


@dataclass(frozen=True, slots=True)
class Entry:
    """Points that one occasion gave, at `at` (aware).

    source: "rule:ask-price", "tag:高意向", "field:预算", "order:正价课" or BEFORE. occasion: what makes it one of its
    kind, such as the id of the message; the same source gives points once for it. fallen: taken back since.
    """

    ledger: Ledger
    points: int
    source: str
    occasion: str
    at: datetime
    fallen: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """How a ledger counts. cap: points of one source on one local day; half_life: after it points are worth half."""

    cap: int | None = None
    half_life: timedelta | None = None


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entry, what of it the cap leaves, and what that is worth now."""

    entry: Entry
    counted: int
    worth: float


@dataclass(frozen=True, slots=True)
class Award:
    """Points for as long as a tag is carried, a field filled or an order stands, which `source` names."""

    ledger: Ledger
    source: str
    points: int


@dataclass(frozen=True, slots=True)
class Bought:
    """An order at `at` (aware). called: all that it can be named by; stands: it is paid, and was not taken back."""

    occasion: str
    called: frozenset[str]
    at: datetime
    stands: bool


def weigh(entries: Iterable[Entry], terms: Mapping[Ledger, Terms], now: datetime, zone: tzinfo) -> list[Weighed]:
    """What each entry is worth now, the biggest first. The order in which they were entered does not matter."""
    return sorted(
        _weigh(entries, terms, now, zone),
        key=lambda one: (-abs(one.worth), one.entry.at, one.entry.source, one.entry.occasion),
    )


def balance(weighed: Iterable[Weighed], ledger: Ledger) -> int:
    """What a ledger comes to. By an exact sum, so that the order of the entries cannot change the last digit."""
    return round(fsum(one.worth for one in weighed if one.entry.ledger == ledger))


def balances(
    entries: Iterable[Entry], terms: Mapping[Ledger, Terms], now: datetime, zone: tzinfo
) -> dict[Ledger, int]:
    """What both ledgers come to."""
    weighed = list(_weigh(entries, terms, now, zone))
    return {ledger: balance(weighed, ledger) for ledger in LEDGERS}


def settle_awards(
    awards: Sequence[Award], standing: Mapping[str, datetime], entries: Sequence[Entry]
) -> tuple[list[Entry], list[Entry]]:
    """The entries to add and those to take back, so that every award is counted exactly while its source stands.

    standing: by source, since when; entries: all there are of these sources, fallen ones too. What was once given is
    not changed by other points in the config, and what is gone from the config falls with its source.
    """
    live = {(one.ledger, one.source) for one in entries if not one.fallen}
    gone = [one for one in entries if not one.fallen and one.source not in standing]
    fresh = []
    for award in awards:
        if award.source in standing and (award.ledger, award.source) not in live:
            times = sum(one.ledger == award.ledger and one.source == award.source for one in entries)
            at = standing[award.source]
            fresh.append(Entry(award.ledger, award.points, award.source, str(times + 1), at))
    return fresh, gone


def _weigh(entries: Iterable[Entry], terms: Mapping[Ledger, Terms], now: datetime, zone: tzinfo) -> Iterable[Weighed]:
    days: dict[tuple[Ledger, str, date], list[Entry]] = defaultdict(list)
    for entry in _once(entries):
        if not entry.fallen:
            days[entry.ledger, entry.source, entry.at.astimezone(zone).date()].append(entry)
    for day in days.values():
        yield from _weigh_day(day, terms, now)


def settle_orders(
    awards: Sequence[Award], orders: Sequence[Bought], entries: Sequence[Entry]
) -> tuple[list[Entry], list[Entry]]:
    """The entries that are to stand and do not, and those to take back: every order counts while it stands.

    entries: all there are of these orders, fallen ones too. An order that is not given is left alone.
    """
    live = {(one.ledger, one.source, one.occasion) for one in entries if not one.fallen}
    undone = {order.occasion for order in orders if not order.stands}
    gone = [one for one in entries if not one.fallen and one.occasion in undone]
    fresh = [
        Entry(award.ledger, award.points, award.source, order.occasion, order.at)
        for order in orders
        for award in awards
        if order.stands
        and award.source.startswith(ORDER)
        and award.source.removeprefix(ORDER) in {ANY, *order.called}
        and (award.ledger, award.source, order.occasion) not in live
    ]
    return fresh, gone


def _once(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Each occasion of a source once, however often it was entered; one that fell anywhere has fallen."""
    found: dict[tuple[Ledger, str, str], Entry] = {}
    for entry in sorted(entries, key=lambda one: (not one.fallen, one.at, one.points)):
        found.setdefault((entry.ledger, entry.source, entry.occasion), entry)
    return found.values()


def _weigh_day(day: list[Entry], terms: Mapping[Ledger, Terms], now: datetime) -> Iterable[Weighed]:
    """The entries of one source on one day. One alone counts whole; repetitions count up to the cap."""
    rules, total = terms.get(day[0].ledger, NO_TERMS), 0
    if len(day) == 1:
        yield Weighed(day[0], day[0].points, day[0].points * _left(now - day[0].at, rules.half_life))
        return
    most, least = _bounds(day, rules.cap)
    for entry in sorted(day, key=lambda one: (one.at, one.occasion)):
        before, total = _clip(total, least, most), total + entry.points
        counted = _clip(total, least, most) - before
        yield Weighed(entry, counted, counted * _left(now - entry.at, rules.half_life))


def _bounds(day: list[Entry], cap: int | None) -> tuple[int, int]:
    if cap is None:
        whole = sum(abs(entry.points) for entry in day)
        return whole, -whole
    return max(cap, *(entry.points for entry in day)), min(-cap, *(entry.points for entry in day))


def _clip(points: int, least: int, most: int) -> int:
    return max(least, min(points, most))


def _left(age: timedelta, half_life: timedelta | None) -> float:
    """The part that is left at an age; what lies ahead (clocks differ) counts whole."""
    return 1.0 if half_life is None or age <= timedelta() else 0.5 ** (age / half_life)
