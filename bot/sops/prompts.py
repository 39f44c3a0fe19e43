"""Prompts: decides about due tasks and puts out cards, lists and mass messages for them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState, load_customers
from bot.platform.config.settings import Settings
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Agent, Customer, SopTask
from bot.platform.work import About, Work
from bot.sops.card_closing import cancel_cards
from bot.sops.gate import SendGate, add_shifts
from bot.sops.group_sends import gather_due
from bot.sops.held import held_sops, restored_at
from sop.cards import ANSWER_FIRST, HELD_BACK, LOOK_AGAIN, OVERTAKEN
from sop.fields import show_value
from sop.gate import Drop, Wait
from sop.wording import render
from sop.workcalendar import Postponement

HELD_LOOK_AGAIN = timedelta(days=1)  # resuming the SOP gives its steps their times
RESTORED_REASON = "恢复了备份：此前到期的可能已经提醒过，不再重复"


def wording_values(
    settings: Settings, state: CustomerState, agent: Agent, now: datetime | None = None
) -> dict[str, str]:
    """What the placeholders of a text stand for, for this customer and agent; ages as they are `now`."""
    today = now.astimezone(settings.zone).date() if now is not None else None
    follow = state.follow_of(agent)
    return {
        "customer.name": (follow.remark if follow else "") or state.customer.name,
        "agent.name": agent.shown_name,
        "stage": next(iter(state.stages.values()), ""),
        "company": settings.workspace.name,
    } | {
        f"customer.{name}": show_value(settings.fields[name], value, today)
        for name, value in state.fields.items()
        if name in settings.fields
    }


def prompt_due(work: Work, limit: int = 500) -> int:
    """Decide about the tasks that have come due: queue, put off or drop each. Returns how many there were."""
    due = (
        select(SopTask)
        .where(SopTask.state == "planned", SopTask.due_at <= work.now)
        .order_by(SopTask.due_at, SopTask.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    tasks = work.session.scalars(due).all()
    customers = {task.customer_id for task in tasks}
    found = work.session.scalars(select(Customer).where(Customer.id.in_(customers))).all() if customers else []
    states = load_customers(work.session, found)
    for task in tasks:  # names may have become known since it was planned
        task.text = render(
            task.wording, wording_values(work.settings, states[task.customer_id], task.agent, work.now)
        )
    send_or_wait(work, tasks)
    return len(tasks)


def send_or_wait(work: Work, tasks: Sequence[SopTask], gate: SendGate | None = None) -> None:
    """Decide about due tasks; what one agent gets at the same time is one card or one list.

    gate: where what it asks for is known already.
    """
    tasks = _not_held(work, _not_from_before(work, tasks))
    if not tasks:
        return
    gate = gate or SendGate(work.session, work.settings, tasks, work.now)
    ready: dict[int, list[SopTask]] = {}
    together: list[SopTask] = []
    for task in sorted(tasks, key=lambda task: (not task.anytime, -task.priority, task.due_at, task.id)):
        decision = gate.decide(task)
        if isinstance(decision, Drop):
            task.state, task.ended_because = "expired", decision.why
        elif isinstance(decision, Wait):
            add_shifts(task, *decision.shifts)
            task.due_at = decision.until
        elif task.channel == "group-send":
            together.append(task)
        else:
            _make_room(work, gate, task)
            if task.anytime:
                queue_card(work, task)
            else:
                ready.setdefault(task.agent_id, []).append(task)
    if together and work.batch is not None:  # mass messages are counted in the database
        write_rows(work.session)
    for task in gather_due(work, together) if together else ():
        ready.setdefault(task.agent_id, []).append(task)
    for listed in ready.values():
        if len(listed) == 1:
            queue_card(work, listed[0])
        else:
            queue_digest(work, listed)


def _make_room(work: Work, gate: SendGate, task: SopTask) -> None:
    """See to it that a step which goes out now is the only one open for its customer."""
    overtaken, later = gate.steps.make_room(task)
    for other in overtaken:
        other.state, other.ended_because = "expired", OVERTAKEN
    for other in later:
        put_off(other, work.now + LOOK_AGAIN, ANSWER_FIRST)
    cancel_cards(work, [other.id for other in overtaken], OVERTAKEN)
    cancel_cards(work, [other.id for other in later], ANSWER_FIRST)


def _not_from_before(work: Work, tasks: Sequence[SopTask]) -> Sequence[SopTask]:
    """Without those that were due before a backup was restored: they may have been prompted in the time it lacks."""
    since = restored_at(work.session) if tasks else None
    if since is None:
        return tasks
    for task in tasks:
        if task.due_at <= since:
            task.state, task.ended_because = "cancelled", RESTORED_REASON
    return [task for task in tasks if task.due_at > since]


def _not_held(work: Work, tasks: Sequence[SopTask]) -> Sequence[SopTask]:
    """Without those of SOPs that are held, which wait until these go on."""
    held = held_sops(work.session) if tasks else {}
    if not held:
        return tasks
    for task in tasks:
        if task.enrolment.sop_id in held:
            put_off(task, work.now + HELD_LOOK_AGAIN, HELD_BACK)
    return [task for task in tasks if task.enrolment.sop_id not in held]


def note_if_before_restore(session: Session, state: CustomerState, at: datetime) -> None:
    """Note when something happened that is found late, if that was before a restore: it was followed up then."""
    since = restored_at(session)
    if since is not None and at <= since:
        state.happened_at = at


def queue_card(work: Work, task: SopTask) -> None:
    """Put the task's card into the outbox."""
    task.state, task.prompts = "queued", (task.prompts or 0) + 1
    row = work.send(
        "card",
        f"card:{task.id}" + (f":{task.prompts}" if task.prompts > 1 else ""),
        {},
        About(customer_id=task.customer_id, agent_id=task.agent_id, task_id=task.id),
    )
    row.deadline = task.expires_at


def queue_digest(work: Work, tasks: Sequence[SopTask]) -> None:
    """Put one list of several tasks of the same agent into the outbox."""
    for task in tasks:
        task.state, task.prompts = "queued", (task.prompts or 0) + 1
    ids = [task.id for task in tasks]
    each = sorted((task.id, task.prompts) for task in tasks)  # the same ones may be put off and come together again
    row = work.send(
        "digest",
        "digest:" + hashlib.sha256(repr(each).encode()).hexdigest()[:40],
        {"task_ids": ids},
        About(agent_id=tasks[0].agent_id),
    )
    row.deadline = max(task.expires_at for task in tasks)


def put_off(task: SopTask, until: datetime, because: str) -> None:
    """Have a task prompted again later; its time to expiry stays the same."""
    add_shifts(task, Postponement(because, task.due_at, until))
    task.expires_at += max(until - task.due_at, timedelta(0))
    task.state, task.due_at, task.delivered_at = "planned", until, None
    task.reminded, task.told_leader_at, task.nudge_at = [], None, None
