"""Replanning: brings what is planned and not yet prompted to the SOP as it now stands in the config."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from bot.customers.state import CustomerState, load_customers
from bot.platform.config.versions import version_text
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Agent, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.dates import day_of
from bot.sops.edit_choice import STATUS, reaching_of
from bot.sops.enrolment import Start, enrol, may_enrol
from bot.sops.gate import shift_row
from bot.sops.prompts import wording_values
from bot.sops.stopping import end_enrolment
from sop.cards import POSTPONED
from sop.group_sends import channel_of
from sop.planning import PlannedStep, plan_steps
from sop.playbook import Sop, Step
from sop.step_identity import match_steps, moved_expiry, plans_differ, timing_changed, variant_of
from sop.wording import render

TAKEN_OUT = "这一步已从跟进里去掉"
BEGUN_ANEW = "跟进改过，重新开始"
_base = func.coalesce(SopEnrolment.planned_version, SopEnrolment.version)


@dataclass(frozen=True)
class SopEdit:
    """An SOP that reads otherwise in `version` than when its running enrolments of version `base` were planned.
    steps: which new step each old one has become. anew: what runs is ended, and begins again by the new one."""

    base: str
    version: str
    old: Sop
    new: Sop
    steps: dict[int, int] = field(default_factory=dict)
    anew: bool = False


def plans_follow(work: Work) -> bool:
    """Whether all plans were brought to the config in force."""
    known = get_status(work.session, STATUS)
    return known is not None and known.value["version"] == work.settings.version


def find_edits(work: Work) -> list[SopEdit]:
    """The edits that running enrolments do not follow yet."""
    running = select(SopEnrolment.sop_id, _base).where(SopEnrolment.ended_at.is_(None)).distinct()
    edits = []
    for sop_id, base in work.session.execute(running):
        new = work.settings.sops.get(sop_id)
        old = _sop_of(work.session, base, sop_id) if new is not None and base != work.settings.version else None
        if new is None or old is None or not plans_differ(old, new):
            continue
        reaching = reaching_of(work.session, new)
        if reaching != "new":
            steps = match_steps(old.steps, new.steps)
            edits.append(SopEdit(base, work.settings.version, old, new, steps, reaching == "anew"))
    return edits


def follow_edit(work: Work, edit: SopEdit, limit: int = 200) -> int:
    """Bring the next enrolments to an edited SOP; returns how many there were."""
    mine = (
        select(SopEnrolment)
        .where(SopEnrolment.ended_at.is_(None), SopEnrolment.sop_id == edit.new.id, _base == edit.base)
        .options(selectinload(SopEnrolment.tasks), selectinload(SopEnrolment.tasks, SopTask.customer))
        .order_by(SopEnrolment.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    enrolments = work.session.scalars(mine).all()
    people = {task.customer_id: task.customer for enrolment in enrolments for task in enrolment.tasks}
    states = load_customers(work.session, list(people.values()))
    changed = kept = 0
    for enrolment in enrolments:
        if edit.anew and _begun_anew(work, states[enrolment.customer_id], enrolment, edit.new):
            continue
        for task in _renumbered(work.session, enrolment, edit):
            if task.state == "planned" and not task.prompts and task.delivered_at is None:
                changed += _take_over(work, task, edit, enrolment)
                task.text = render(
                    task.wording, wording_values(work.settings, states[task.customer_id], task.agent, work.now)
                )
            else:
                kept += task.state in ("planned", "queued", "delivered", "unknown")
        enrolment.planned_version = edit.version
    _count(work, edit, changed, kept)
    return len(enrolments)


def kept_on_older(work: Work, sop: Sop) -> int:
    """How many are on the SOP as it read before, since it was chosen that an edit should not reach them."""
    running = (
        select(_base, func.count())
        .where(SopEnrolment.sop_id == sop.id, SopEnrolment.ended_at.is_(None))
        .group_by(_base)
    )
    bases = {base: count for base, count in work.session.execute(running) if base != work.settings.version}
    older = {base: _sop_of(work.session, base, sop.id) for base in bases}
    return sum(bases[base] for base, old in older.items() if old is not None and plans_differ(old, sop))


def _begun_anew(work: Work, state: CustomerState, enrolment: SopEnrolment, sop: Sop) -> bool:
    """End an enrolment and begin the edited SOP from its first step; False where the customer may not begin it."""
    start = Start(
        f"anew:{enrolment.id}",
        work.session.get(Agent, enrolment.agent_id),
        by_hand=True,
        day=day_of(enrolment.cause),
        ended=frozenset({sop.id}),
        again=True,
    )
    if may_enrol(work, state, sop, start, state.stages) is None:
        return False
    end_enrolment(work, enrolment, BEGUN_ANEW)
    work.write()
    return enrol(work, state, sop, replace(start, ended=frozenset())) is not None


def note_followed(work: Work, version: str) -> None:
    """Remember that all plans follow this version of the config."""
    set_status(work.session, STATUS, {"version": version}, work.now)


def status_of(sop_id: str) -> str:
    """The Status row that tells of an SOP's last edit: {version, changed, kept}."""
    return f"{STATUS}:{sop_id}"[:64]


def _count(work: Work, edit: SopEdit, changed: int, kept: int) -> None:
    known = get_status(work.session, status_of(edit.new.id))
    before: dict[str, Any] = known.value if known and known.value["version"] == edit.version else {}
    told = {"version": edit.version, "changed": before.get("changed", 0) + changed}
    set_status(work.session, status_of(edit.new.id), told | {"kept": before.get("kept", 0) + kept}, work.now)


def _sop_of(session: Session, version: str, sop_id: str) -> Sop | None:
    """The SOP as that version of the config had it; None where it had none, or is not known any more."""
    text = version_text(session, version)
    if text is None:
        return None
    try:
        tables = tomllib.loads(text).get("sops", [])
        return next((Sop.model_validate(table) for table in tables if table.get("id") == sop_id), None)
    except (tomllib.TOMLDecodeError, ValidationError):
        return None


def _renumbered(session: Session, enrolment: SopEnrolment, edit: SopEdit) -> list[SopTask]:
    """The tasks of an enrolment under the numbers of the edited SOP; steps taken out come behind all others."""
    beyond = len(edit.new.steps)
    tasks = list(enrolment.tasks)
    wanted = {task.id: edit.steps.get(task.step) for task in tasks}
    numbers = {}
    for task in tasks:
        number = wanted[task.id]
        if number is None:
            number, beyond = beyond, beyond + 1
        numbers[task.id] = number
    if any(task.step != numbers[task.id] for task in tasks):
        for task in tasks:  # out of each other's way first: no two tasks may have one number
            task.step = -1 - task.step
        session.flush()
        for task in tasks:
            task.step = numbers[task.id]
        session.flush()
    return tasks


def _take_over(work: Work, task: SopTask, edit: SopEdit, enrolment: SopEnrolment) -> bool:
    """Give a task what its step says now; True where that is anything else than before."""
    if task.step >= len(edit.new.steps):
        task.state, task.ended_because = "cancelled", TAKEN_OUT
        return True
    step = edit.new.steps[task.step]
    before = next(edit.old.steps[i] for i, j in edit.steps.items() if j == task.step)
    if before == step and edit.old.channel == edit.new.channel and edit.old.priority == edit.new.priority:
        return False
    task.variant = variant_of(step, task.variant, task.wording)
    task.wording = step.say[task.variant]
    task.attach = [attachment.model_dump(exclude_none=True) for attachment in step.attach]
    task.attached = []
    task.anytime, task.priority = step.anytime, edit.new.priority
    task.channel = channel_of(edit.new, task.wording)
    task.window_seconds = int(step.reply_window.total_seconds())
    task.on_reply, task.on_silence = step.on_reply, step.on_silence
    _take_time(work, task, edit, (before, step), enrolment)
    return True


def _take_time(work: Work, task: SopTask, edit: SopEdit, steps: tuple[Step, Step], enrolment: SopEnrolment) -> None:
    """Give a task its step's new time, unless the agent chose one; none lies in the past."""
    before, step = steps
    valid = moved_expiry(task.expires_at - task.due_at, before, step)
    by_agent = any(reason == POSTPONED for reason, _, _ in task.shifts)
    if timing_changed(before, step) and not by_agent:
        planned = _planned(work, edit.new, task, enrolment)
        if planned is None:
            task.state, task.ended_because = "cancelled", TAKEN_OUT
            return
        calendar = work.settings.calendar
        task.due_at = planned.due_at if planned.due_at >= work.now else calendar.next_slot(work.now)
        task.shifts = [shift_row(shift) for shift in planned.shifts]
        valid = step.valid_for
    task.expires_at = task.due_at + valid


def _planned(work: Work, sop: Sop, task: SopTask, enrolment: SopEnrolment) -> PlannedStep | None:
    spread = work.settings.tables.budget.spread
    key = task.customer.external_userid
    day = day_of(enrolment.cause)
    plan = plan_steps(sop, enrolment.enrolled_at, work.settings.workspace, key, spread=spread, day=day)
    return next((planned for planned in plan if planned.index == task.step), None)
