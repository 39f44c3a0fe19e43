"""Contact budget: one per customer, over everything that reaches them, whoever sent it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

from sop.rates import Tally, parse_rate
from sop.workcalendar import Postponement, Workcalendar


def talks(words: Iterable[datetime], gap: timedelta) -> tuple[datetime, ...]:
    """Give the beginnings of the talks our side opened: words no further apart than `gap` are one talk."""
    opened: list[datetime] = []
    last: datetime | None = None
    for at in sorted(words):
        if last is None or at - last > gap:
            opened.append(at)
        last = at
    return tuple(opened)


def within_budget(
    at: datetime,
    contacts: Iterable[datetime],
    budget: str,
    calendar: Workcalendar,
    clock: time | None = None,
) -> tuple[Postponement, ...]:
    """Give the hops from `at` to the first lawful slot whose day (or week) still has room; empty if it has.

    contacts: everything that reached, or is planned to reach, the customer. budget: "2/day". clock: the local time of
    day that what is put off would like; opening time unless told.
    """
    rate = parse_rate(budget)
    tally = Tally(rate, calendar, contacts)
    hops: list[Postponement] = []
    while tally.is_full(at):
        later = calendar.instant(tally.next_day(at), clock or calendar.opens_at)
        hops.append(Postponement(f"超出频次（{rate}）", at, later))
        hops += calendar.shifts(later, keep_time=clock is not None)
        at = hops[-1].to
    return tuple(hops)
