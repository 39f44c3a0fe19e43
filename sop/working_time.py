"""Working time: how much of it lies between two instants, and when so much of it will have passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sop.workcalendar import Workcalendar

_DAY = timedelta(days=1)
_MOST_DAYS = 400
"""Days looked at: a longer wait is told as this long."""


def worked(calendar: Workcalendar, since: datetime, until: datetime) -> timedelta:
    """The working time between two instants."""
    total = timedelta(0)
    for opens, closes in _shifts(calendar, since):
        if opens >= until:
            break
        total += min(closes, until) - max(opens, since.astimezone(UTC))
    return total


def told_length(calendar: Workcalendar, since: datetime, until: datetime) -> str:
    """The working time between two instants as people are told it: 25 分, 3 小时."""
    minutes = int(worked(calendar, since, until).total_seconds() // 60)
    return f"{minutes} 分" if minutes < 120 else f"{minutes // 60} 小时"


def when_worked(calendar: Workcalendar, since: datetime, length: timedelta) -> datetime:
    """The instant at which so much working time will have passed; the last one looked at where there is no work."""
    at, left = since.astimezone(UTC), length
    for opens, closes in _shifts(calendar, since):
        begins = max(opens, at)
        if closes - begins >= left:
            return begins + left
        left -= closes - begins
        at = closes
    return at


def _shifts(calendar: Workcalendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The working hours that are not over at `since`, day after day."""
    day = calendar.local(since).date() - _DAY
    for _ in range(_MOST_DAYS):
        opens, closes = calendar.hours_of(day)
        if closes > since and calendar.is_workday(day):
            yield opens, closes
        day += _DAY
