"""Dates that start an SOP: birthdays and expiries, fixed dates, every week and every month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta

from sop.playbook import Sop
from sop.triggers import LAST_DAY, WEEKDAYS, Trigger, trigger_of

YEARLY = frozenset({"birthday"})
_DAYS_AHEAD = 800  # a birthday on 29 February, kept on the 28th otherwise, comes every year; this is beyond any cycle


def dated(sops: Iterable[Sop]) -> tuple[Sop, ...]:
    """Give the SOPs that wait for a day."""
    return tuple(
        sop for sop in sops if sop.enabled and not sop.for_groups and trigger_of(sop).kind in ("date", "every")
    )


def falls_on(trigger: Trigger, day: date, fields: Mapping[str, date], yearly: Collection[str] = YEARLY) -> bool:
    """Say whether a local day is the trigger's; `fields` are the customer's own dates, such as their birthday.

    yearly: the names of those that come round every year.
    In a month without the day, and in a year without 29 February, the last day of the month takes its place.
    """
    if trigger.kind == "every":
        return _in_cycle(trigger.name, day)
    if trigger.kind != "date":
        return False
    if trigger.day is not None:
        return day == trigger.day
    mark = fields.get(trigger.name)
    if mark is None:
        return False
    meant = day - (trigger.length or timedelta(0))
    return meant == (_in_year(mark, meant.year) if trigger.name in yearly else mark)


def next_day(
    trigger: Trigger, after: date, fields: Mapping[str, date], yearly: Collection[str] = YEARLY
) -> date | None:
    """Give the first day of the trigger later than `after`; None if there is none within two years."""
    days = (after + timedelta(days=ahead) for ahead in range(1, _DAYS_AHEAD))
    return next((day for day in days if falls_on(trigger, day, fields, yearly)), None)


def _in_cycle(name: str, day: date) -> bool:
    if name in WEEKDAYS:
        return day.weekday() == WEEKDAYS.index(name)
    last = monthrange(day.year, day.month)[1]
    return day.day == (last if name == LAST_DAY else min(int(name), last))


def _in_year(mark: date, year: int) -> date:
    return date(year, mark.month, min(mark.day, monthrange(year, mark.month)[1]))
