"""Promises: when an agent is reminded of what they promised, and when their leader hears that it is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sop.tables import Length, Table
from sop.workcalendar import Workcalendar
from sop.working_time import when_worked

_DAY = timedelta(days=1)
_UNTIMED = timedelta(hours=8)
"""Working time after which a promise without a time is called to mind."""
_BEFORE_CLOSING = timedelta(hours=2)
_LOOKED_BACK = 10


class Promises(Table):
    """[promises]: what happens about a promise that nothing shows to be kept; a length of 0 switches it off.

    remind_before: so long before it is due the agent is reminded. leader_after: so much working time later their
    leader is told.
    """

    remind_before: Length = timedelta(minutes=30)
    leader_after: Length = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Owed:
    """An open promise: by whom, said when, due when (None: no time was named), and whether that is a whole day."""

    by: Literal["agent", "customer"]
    said: datetime
    due: datetime | None
    wide: bool


@dataclass(frozen=True, slots=True)
class Told:
    """When the agent, and when their leader, is to be told; None: not at all."""

    agent: datetime | None
    leader: datetime | None


def alarms(owed: Owed, table: Promises, calendar: Workcalendar) -> Told:
    """Say who is told when: the agent of their own promise before it is due, of a customer's once it is.

    The leader hears only of what an agent promised for a time that is over.
    """
    if owed.by == "customer":
        told = calendar.next_slot(owed.due) if owed.due is not None else _untimed(owed, calendar)
        return Told(told if table.remind_before else None, None)
    if owed.due is None:
        return Told(_untimed(owed, calendar) if table.remind_before else None, None)
    leader = when_worked(calendar, owed.due, table.leader_after) if table.leader_after else None
    return Told(_before(owed, owed.due, table, calendar) if table.remind_before else None, leader)


def _untimed(owed: Owed, calendar: Workcalendar) -> datetime:
    return when_worked(calendar, owed.said, _UNTIMED)


def _before(owed: Owed, due: datetime, table: Promises, calendar: Workcalendar) -> datetime:
    """Before it is due and within work hours; where that is too near to when it was said, half way between."""
    at = _on_last_day(due, calendar) if owed.wide else due - table.remind_before
    at = _back_to_work(at, calendar)
    half = owed.said + (due - owed.said) / 2
    return at if at > owed.said and (owed.wide or due - owed.said >= 2 * table.remind_before) else half


def _on_last_day(due: datetime, calendar: Workcalendar) -> datetime:
    """Some hours before the work of the last working day until then ends."""
    day = calendar.local(due).date()
    for _ in range(_LOOKED_BACK):
        if calendar.is_workday(day):
            break
        day -= _DAY
    opens, closes = calendar.hours_of(day)
    return max(opens, closes - _BEFORE_CLOSING)


def _back_to_work(at: datetime, calendar: Workcalendar) -> datetime:
    """The same instant, or, where nobody works then, the last hour of work before it."""
    if not calendar.shifts(at):
        return at
    day = calendar.local(at).date()
    for _ in range(_LOOKED_BACK):
        opens, closes = calendar.hours_of(day)
        if calendar.is_workday(day) and opens < at:
            return min(at, max(opens, closes - timedelta(hours=1)))
        day -= _DAY
    return at
