"""Undoing: takes back what followed from a move: ends what it started, takes up again what it ended."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from bot.customers.stages import Moved, cause_of
from bot.customers.state import CustomerState
from bot.platform.models import Agent, SopEnrolment, SopTask, StageMove
from bot.platform.work import Work
from bot.sops.edit_choice import look_at_plans_again
from bot.sops.enrolment import MoveEffects, owner_for, start_after, stop_after
from bot.sops.meanwhile import ended_meanwhile
from bot.sops.prompts import put_off
from bot.sops.stopping import end_enrolment
from sop.stages import takes_back

UNDONE = "那次移动已撤销"


def after_hand_move(
    work: Work, state: CustomerState, moved: Moved, before: StageMove | None, agent: Agent | None = None
) -> MoveEffects:
    """All that follows from a move by a person, wherever they made it: on the board, in the chat, on their phone.

    before: the move before it. Brought back to where it just came from, a card takes back what followed from that.
    """
    effects = MoveEffects()
    back = before if leads_back(before, moved.row.to_stage, work) else None
    if back is not None:
        effects.stopped += end_started(work, state, back, moved.row)
    effects.stopped += stop_after(work, state, moved)
    if back is not None:
        effects.revived += revive_ended(work, state, back)
    effects.started += start_after(work, state, moved, agent)
    return effects


def leads_back(before: StageMove | None, to: str, work: Work) -> bool:
    """Whether a person who moves a card to this stage now takes back the move before it."""
    return before is not None and takes_back(before.from_stage, before.moved_at, to, work.now)


def end_started(work: Work, state: CustomerState, undone: StageMove, by: StageMove) -> list[SopEnrolment]:
    """End what the undone move started; the cards of it are closed with the reason. by: the move that undoes it."""
    started = started_by(state, undone)
    for enrolment in started:
        end_enrolment(work, enrolment, UNDONE, cause_of(by))
    return started


def started_by(state: CustomerState, undone: StageMove) -> list[SopEnrolment]:
    """What a move started and still runs."""
    return [enrolment for enrolment in state.running if enrolment.cause == cause_of(undone)[:80]]


def revive_ended(work: Work, state: CustomerState, undone: StageMove) -> list[SopEnrolment]:
    """Take up again what the undone move ended."""
    revived = []
    for enrolment in revivable(work, state, undone):
        owner = _owner_of(work, state, enrolment)
        if owner is not None:
            _revive(work, enrolment, owner)
            revived.append(enrolment)
            if enrolment not in state.enrolments:
                state.enrolments.append(enrolment)
    if any((one.planned_version or one.version) != work.settings.version for one in revived):
        look_at_plans_again(work.session, work.now)
    work.session.flush()
    return revived


def revivable(work: Work, state: CustomerState, undone: StageMove) -> list[SopEnrolment]:
    """What a move ended, and would go on if it were undone now."""
    work.write_all()
    ended = (
        select(SopEnrolment)
        .where(SopEnrolment.customer_id == state.customer.id, SopEnrolment.ended_by == cause_of(undone)[:80])
        .options(selectinload(SopEnrolment.tasks))
        .order_by(SopEnrolment.id)
    )
    return [
        one
        for one in work.session.scalars(ended).all()
        if _owner_of(work, state, one) is not None and not ended_meanwhile(work, state, one, undone.pipeline)
    ]


def _owner_of(work: Work, state: CustomerState, enrolment: SopEnrolment) -> Agent | None:
    """Who goes on with it: who had it, or who took the customer over from them; None where the customer wants no
    more, has left the agent, or is on the SOP again by now."""
    if state.customer.opted_out_at is not None or any(e.sop_id == enrolment.sop_id for e in state.running):
        return None
    mine = next((follow for follow in state.follows if follow.agent_id == enrolment.agent_id), None)
    if mine is None or enrolment.agent_id in state.refused:
        return None
    if mine.ended_at is None:
        return mine.agent
    sop = work.settings.sops.get(enrolment.sop_id)
    return owner_for(state, sop) if mine.ended_by == "transfer" and sop is not None else None


def _revive(work: Work, enrolment: SopEnrolment, owner: Agent) -> None:
    reason = enrolment.ended_because
    enrolment.ended_at, enrolment.ended_because, enrolment.ended_by = None, None, None
    enrolment.agent_id = owner.id
    for task in enrolment.tasks:
        if task.state == "cancelled" and task.rejected_because is None and task.ended_because == reason:
            task.agent_id, task.agent = owner.id, owner
            _plan_again(work, task)


def _plan_again(work: Work, task: SopTask) -> None:
    """What was on the phone already comes once more, since its card was closed; the rest keeps its time."""
    prompted = task.delivered_at is not None
    task.ended_because, task.group_send_id = None, None
    if prompted or task.due_at < work.now:
        put_off(task, max(work.now, task.due_at), UNDONE)
    else:
        task.state = "planned"
