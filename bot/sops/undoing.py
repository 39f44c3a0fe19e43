"""Undoing: takes back what followed from a move: ends what it started, takes up again what it ended."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bot.customers.stages import cause_of
from bot.customers.state import CustomerState
from bot.platform.models import SopEnrolment, SopTask, StageMove
from bot.platform.work import Work
from bot.sops.prompts import put_off
from bot.sops.stopping import end_enrolment

UNDONE = "那次移动已撤销"


def end_started(work: Work, state: CustomerState, undone: StageMove, by: StageMove) -> list[SopEnrolment]:
    """End what the undone move started; the cards of it are closed with the reason. by: the move that undoes it."""
    started = [enrolment for enrolment in state.running if enrolment.cause == cause_of(undone)[:80]]
    for enrolment in started:
        end_enrolment(work, enrolment, UNDONE, cause_of(by))
    return started


def revive_ended(work: Work, state: CustomerState, undone: StageMove) -> list[SopEnrolment]:
    """Take up again what the undone move ended."""
    ended = (
        select(SopEnrolment)
        .where(SopEnrolment.customer_id == state.customer.id, SopEnrolment.ended_by == cause_of(undone)[:80])
        .options(selectinload(SopEnrolment.tasks))
        .order_by(SopEnrolment.id)
    )
    revived = []
    for enrolment in work.session.scalars(ended).all():
        if _may_go_on(state, enrolment):
            _revive(work, enrolment)
            revived.append(enrolment)
            if enrolment not in state.enrolments:
                state.enrolments.append(enrolment)
    work.session.flush()
    return revived


def _may_go_on(state: CustomerState, enrolment: SopEnrolment) -> bool:
    """Not where the customer wants no more, has left the agent, or is on the SOP again by now."""
    has_agent = any(follow.agent_id == enrolment.agent_id for follow in state.active_follows)
    refused = state.customer.opted_out_at is not None or enrolment.agent_id in state.refused
    return has_agent and not refused and all(e.sop_id != enrolment.sop_id for e in state.running)


def _revive(work: Work, enrolment: SopEnrolment) -> None:
    reason = enrolment.ended_because
    enrolment.ended_at, enrolment.ended_because, enrolment.ended_by = None, None, None
    for task in enrolment.tasks:
        if task.state == "cancelled" and task.rejected_because is None and task.ended_because == reason:
            _plan_again(work, task)


def _plan_again(work: Work, task: SopTask) -> None:
    """What was on the phone already comes once more, since its card was closed; the rest keeps its time."""
    prompted = task.delivered_at is not None
    task.ended_because, task.group_send_id = None, None
    if prompted or task.due_at < work.now:
        put_off(task, max(work.now, task.due_at), UNDONE)
    else:
        task.state = "planned"
