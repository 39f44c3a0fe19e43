"""Planning: when each step is due, counted from enrolment, through work hours, holidays and caps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sop.attachments import Attachment
from sop.playbook import Sop, Step
from sop.rates import Tally, parse_rate
from sop.workcalendar import Postponement, Workcalendar, calendar_of
from sop.workspace import Workspace

_DAY = timedelta(days=1)
_LEAST_SPREAD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step for one customer. `text` is the chosen wording, its placeholders still open; times are UTC."""

    index: int
    due_at: datetime
    expires_at: datetime
    text_variant: int
    text: str
    attach: tuple[Attachment, ...]
    reply_window: timedelta
    on_reply: str | None
    on_silence: str | None
    wished_at: datetime
    shifts: tuple[Postponement, ...] = ()


def plan_steps(
    sop: Sop,
    enrolled_at: datetime,
    workspace: Workspace,
    customer_key: str,
    *,
    spread: timedelta = timedelta(0),
    day: date | None = None,
) -> tuple[PlannedStep, ...]:
    """Plan every step of the SOP for a customer enrolled at `enrolled_at` (aware).

    Each step lies in a lawful slot (save an `anytime` step due as wished), never before enrolment nor before
    the step ahead of it; no day (week) holds more steps than the SOP's cap; nothing in quiet hours. A step whose
    `on_date` is past is left out. What a time of day makes due is put off by a part of `spread` that is the
    customer's own, on the same day and where that is lawful. Equal arguments give equal plans.

    day: the local day that started it (a birthday, every Friday). The steps are then counted from that day, whenever
    the customer was enrolled: one whose hour has passed is due at once, on the same day as long as people work.
    """
    calendar = calendar_of(workspace)
    tally = Tally(parse_rate(sop.cap), calendar)
    planned: list[PlannedStep] = []
    earliest = enrolled_at.astimezone(UTC)
    for index, step in enumerate(sop.steps):
        wished = wished_at(step, enrolled_at, calendar) if day is None else wished_on(step, day, calendar)
        if step.on_date is not None and wished < enrolled_at:
            continue
        shifts = tuple(_settle(step, wished, earliest, sop.cap, calendar, tally))
        if spread and not step.anytime and (shifts or step.at is not None or step.on_date is not None):
            share = _share(sop.id, index, customer_key)
            shifts += _spread_out(shifts[-1].to if shifts else wished, spread * share, calendar)
        earliest = shifts[-1].to if shifts else wished
        tally.add(earliest)
        planned.append(_planned(sop, step, index, wished, shifts, customer_key))
    return tuple(planned)


def wished_at(step: Step, enrolled_at: datetime, calendar: Workcalendar) -> datetime:
    """Say when the step would be due if nobody ever rested.

    Whole days are counted on the local calendar. With `at`, the step is due at that time of the day so
    reached, or of the next day if that is already past: a step of "1d" at 10:00 for a customer who came at
    15:00 is due tomorrow at 10:00, one of "0d" too.
    """
    if step.on_date is not None:
        return calendar.instant(step.on_date, step.at or calendar.opens_at)
    whole_days = step.after % _DAY == timedelta(0)
    start = calendar.local(enrolled_at)
    if whole_days:
        reached = calendar.instant(start.date() + step.after, start.time().replace(fold=start.fold))
        floor = enrolled_at
    else:
        reached = floor = enrolled_at.astimezone(UTC) + step.after
    if step.at is None:
        return max(reached.astimezone(UTC), enrolled_at.astimezone(UTC))
    day = start.date() + step.after if whole_days else calendar.local(reached).date()
    on_that_day = calendar.instant(day, step.at)
    return on_that_day if on_that_day >= floor else calendar.instant(day + _DAY, step.at)


def wished_on(step: Step, day: date, calendar: Workcalendar) -> datetime:
    """Say when the step of an SOP that starts on this local day would be due if nobody ever rested.

    Days are counted from the day itself, hours from its opening time.
    """
    opening = calendar.instant(day, calendar.opens_at)
    if step.on_date is not None:
        return wished_at(step, opening, calendar)
    if step.after % _DAY == timedelta(0):
        return calendar.instant(day + step.after, step.at or calendar.opens_at)
    return wished_at(step, opening, calendar)


def choose_variant(sop_id: str, index: int, customer_key: str, variants: int) -> int:
    """Give a customer the same wording of a step every time, and all wordings to about as many customers."""
    digest = hashlib.sha256(f"{sop_id}\x00{index}\x00{customer_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % variants


def _share(sop_id: str, index: int, customer_key: str) -> float:
    """The customer's own fraction (0 to 1) of the time over which a step is spread."""
    digest = hashlib.sha256(f"spread\x00{sop_id}\x00{index}\x00{customer_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _spread_out(at: datetime, by: timedelta, calendar: Workcalendar) -> tuple[Postponement, ...]:
    """Put off by so much, or by half of it and so on where that would leave the day's lawful hours."""
    while by >= _LEAST_SPREAD:
        later = at + timedelta(seconds=int(by.total_seconds()))
        if not calendar.shifts(later) and calendar.local(later).date() == calendar.local(at).date():
            return (Postponement("错峰", at, later),)
        by /= 2
    return ()


def _settle(
    step: Step, wished: datetime, earliest: datetime, cap: str, calendar: Workcalendar, tally: Tally
) -> Iterable[Postponement]:
    """The hops from the wish to a slot that is lawful, in order, and under the cap."""
    at, anytime = wished, step.anytime
    while True:
        hops = calendar.quiet_shifts(at) if anytime else calendar.shifts(at, keep_time=step.at is not None)
        yield from hops
        at = hops[-1].to if hops else at
        if at < earliest:
            later, reason = earliest, "这一天的钟点已过" if tally.is_empty else "排在上一步之后"
        elif tally.is_full(at):
            later = calendar.instant(tally.next_day(at), step.at or calendar.opens_at)
            reason = f"超出频次（{cap}）"
        else:
            return
        yield Postponement(reason, at, later)
        at, anytime = later, False


def _planned(
    sop: Sop, step: Step, index: int, wished: datetime, shifts: tuple[Postponement, ...], customer_key: str
) -> PlannedStep:
    due = shifts[-1].to if shifts else wished
    variant = choose_variant(sop.id, index, customer_key, len(step.say))
    return PlannedStep(
        index=index,
        due_at=due,
        expires_at=due + step.valid_for,
        text_variant=variant,
        text=step.say[variant],
        attach=step.attach,
        reply_window=step.reply_window,
        on_reply=step.on_reply,
        on_silence=step.on_silence,
        wished_at=wished,
        shifts=shifts,
    )
