"""Holding: pauses an SOP altogether, those under way too, and resumes it with its steps as much later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from bot.platform.database.audit_log import record
from bot.platform.database.store import set_status
from bot.platform.models import SopEnrolment, SopTask, Status
from bot.platform.work import Work
from bot.sops.dates import day_of
from bot.sops.held import HELD
from bot.sops.prompts import put_off
from bot.wecom.errors import BotError
from sop.cards import HELD_BACK, MISSED_DAY
from sop.playbook import Sop


class HoldRefusedError(BotError):
    """An SOP that cannot be held or resumed; the text says why."""


@dataclass(frozen=True)
class Resumed:
    """What became of the steps that were not prompted yet. over: their day passed meanwhile."""

    shifted: int
    over: int
    length: timedelta


def hold(work: Work, sop: Sop, who: str) -> None:
    """Hold an SOP: nobody begins it, and what was not prompted yet waits. Raises HoldRefusedError."""
    held = _held_for_change(work)
    if sop.for_groups:
        raise HoldRefusedError("给群聊的跟进不能整份暂停，请用「暂停」")
    if sop.id in held:
        raise HoldRefusedError("这份跟进已经整份暂停了")
    since = {"since": work.now.isoformat(), "by": who[:80]}
    set_status(work.session, HELD, {**held, sop.id: since}, work.now)
    record(work.session, who, "sop.hold", f"sop:{sop.id}", work.now)


def resume(work: Work, sop: Sop, who: str) -> Resumed:
    """Let a held SOP go on: every step as much later as it was held. Raises HoldRefusedError.

    What belongs to a day (a birthday, a fixed date) is not moved; where that passed meanwhile, it ends.
    """
    held = _held_for_change(work)
    if sop.id not in held:
        raise HoldRefusedError("这份跟进没有暂停")
    length = work.now - datetime.fromisoformat(held.pop(sop.id)["since"])
    set_status(work.session, HELD, held, work.now)
    shifted = over = 0
    for task in _waiting(work, sop):
        _take_back(task)
        if not _is_dated(sop, task):
            put_off(task, work.settings.calendar.next_slot(task.due_at + length), HELD_BACK)
            shifted += 1
        elif task.expires_at <= work.now:
            task.state, task.ended_because = "expired", MISSED_DAY
            over += 1
    record(work.session, who, "sop.resume", f"sop:{sop.id}", work.now, count=shifted)
    return Resumed(shifted, over, length)


def _held_for_change(work: Work) -> dict[str, dict[str, str]]:
    row = work.session.get(Status, HELD, with_for_update=True)
    return {} if row is None else dict(row.value)


def _waiting(work: Work, sop: Sop) -> Sequence[SopTask]:
    """The steps of those who are on it that were not prompted yet."""
    query = (
        select(SopTask)
        .join(SopTask.enrolment)
        .where(SopEnrolment.sop_id == sop.id, SopEnrolment.ended_at.is_(None), SopTask.state == "planned")
        .options(contains_eager(SopTask.enrolment))
        .with_for_update(of=SopTask)
    )
    return work.session.scalars(query).all()


def _take_back(task: SopTask) -> None:
    """Give a step that came due meanwhile the time it had before."""
    if task.shifts and task.shifts[-1][0] == HELD_BACK and datetime.fromisoformat(task.shifts[-1][2]) == task.due_at:
        before = datetime.fromisoformat(task.shifts[-1][1])
        task.expires_at -= task.due_at - before
        task.due_at, task.shifts = before, task.shifts[:-1]


def _is_dated(sop: Sop, task: SopTask) -> bool:
    step = sop.steps[task.step] if task.step < len(sop.steps) else None
    return day_of(task.enrolment.cause) is not None or (step is not None and step.on_date is not None)
