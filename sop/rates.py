"""Rates: limits such as "2/day" or "1/week", counted on the local calendar."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from sop.workcalendar import Workcalendar

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many times per local day, or per week from Monday."""

    times: int
    per: Literal["day", "week"]

    def period(self, day: date) -> date:
        """The first day of the period in which a day lies."""
        return day if self.per == "day" else day - day.weekday() * _DAY

    def next_period(self, day: date) -> date:
        """The first day of the period after it."""
        return self.period(day) + (_DAY if self.per == "day" else 7 * _DAY)

    def __str__(self) -> str:
        return f"每{'天' if self.per == 'day' else '周'}最多 {self.times} 次"


def parse_rate(text: str) -> Rate:
    """Read "1/day" or "2/week" (the config has checked the form)."""
    times, _, per = text.partition("/")
    return Rate(int(times), "week" if per == "week" else "day")


class Tally:
    """Counts instants by the period of a rate."""

    def __init__(self, rate: Rate, calendar: Workcalendar, instants: Iterable[datetime] = ()) -> None:
        self._rate = rate
        self._calendar = calendar
        self._taken = Counter(self._period(at) for at in instants)

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been counted yet."""
        return not self._taken

    def is_full(self, at: datetime) -> bool:
        """Whether the period of `at` has had as many as the rate allows."""
        return self._taken[self._period(at)] >= self._rate.times

    def add(self, at: datetime) -> None:
        """Count one more."""
        self._taken[self._period(at)] += 1

    def next_day(self, at: datetime) -> date:
        """The first local day of the next period."""
        return self._rate.next_period(self._calendar.local(at).date())

    def _period(self, at: datetime) -> date:
        return self._rate.period(self._calendar.local(at).date())
