"""Stopping: ends enrolments and withdraws what was still to be sent for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import object_session

from bot.customers.stages import Moved, cause_of
from bot.customers.state import CustomerState
from bot.platform.models import Message, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from sop.cards import EXPIRED
from sop.stopping import reason_of, stops


def stop_sops(
    work: Work, state: CustomerState, happenings: Sequence[str], by: str | None = None
) -> list[SopEnrolment]:
    """End the running enrolments that any of these stops, with all that is still open of them; for `by` see
    end_enrolment."""
    stopped = stopped_by(state, happenings)
    for enrolment, reason in stopped:
        end_enrolment(work, enrolment, reason, by)
    return [enrolment for enrolment, _ in stopped]


def stopped_by(state: CustomerState, happenings: Sequence[str]) -> list[tuple[SopEnrolment, str]]:
    """The running enrolments that any of these stops, each with the reason."""
    running = [enrolment for enrolment in state.enrolments if enrolment.ended_at is None]
    found = [(enrolment, _stopped_by(state, enrolment, happenings)) for enrolment in running]
    return [(enrolment, reason) for enrolment, reason in found if reason is not None]


def stop_by_agent(work: Work, state: CustomerState, agent_id: int, reason: str) -> None:
    """End what runs through this agent, from whom the customer wants no more."""
    for enrolment in state.enrolments:
        if enrolment.ended_at is None and enrolment.agent_id == agent_id:
            end_enrolment(work, enrolment, reason)


def end_enrolment(work: Work, enrolment: SopEnrolment, reason: str, by: str | None = None) -> None:
    """End an enrolment; its open tasks are cancelled; their cards do not leave, or are closed.

    by: the move that ends it (cause_of), by which it is revived where that move is undone.
    """
    enrolment.ended_at, enrolment.ended_because, enrolment.ended_by = work.now, reason[:64], by
    open_tasks = [task for task in enrolment.tasks if task.state in ("planned", "queued", "delivered", "unknown")]
    for task in open_tasks:
        task.state, task.ended_because = "cancelled", reason
    cancel_cards(work, [task.id for task in open_tasks], reason)


def stop_left_stage(work: Work, state: CustomerState, moved: Moved) -> list[SopEnrolment]:
    """End the SOPs of the stage that a move left, where they stop by that."""
    stopped = of_left_stage(work, state, moved.row.from_stage)
    for enrolment in stopped:
        end_enrolment(work, enrolment, reason_of("moved"), cause_of(moved.row))
    return stopped


def of_left_stage(work: Work, state: CustomerState, left: str | None) -> list[SopEnrolment]:
    """The running enrolments that stop when this stage is left."""
    sops, running = work.settings.sops, [e for e in state.enrolments if e.ended_at is None and "moved" in e.stop]
    found = [(enrolment, sops.get(enrolment.sop_id)) for enrolment in running if left is not None]
    return [enrolment for enrolment, sop in found if sop is not None and sop.stage in (None, left)]


def end_finished(work: Work, limit: int = 500) -> int:
    """End the enrolments of which nothing is open any more; returns how many."""
    still_open = (
        select(SopTask.id)
        .where(
            SopTask.enrolment_id == SopEnrolment.id,
            SopTask.state.in_(("planned", "queued", "delivered", "unknown", "completed")),
            (SopTask.state != "completed") | SopTask.window_closed_at.is_(None),
        )
        .exists()
    )
    finished = select(SopEnrolment).where(SopEnrolment.ended_at.is_(None), ~still_open).limit(limit)
    rows = work.session.scalars(finished).all()
    for enrolment in rows:
        enrolment.ended_at, enrolment.ended_because = work.now, "全部完成"
    return len(rows)


def expire_unsent(work: Work, limit: int = 500) -> int:
    """Expire prompts that the agent did not act on in time; returns how many."""
    late = (
        select(SopTask)
        .where(SopTask.state.in_(("delivered", "unknown")), SopTask.expires_at <= work.now)
        .limit(limit)
    )
    rows = work.session.scalars(late).all()
    for task in rows:
        task.state, task.ended_because = "expired", EXPIRED
    cancel_cards(work, [task.id for task in rows], EXPIRED)
    return len(rows)


def _stopped_by(state: CustomerState, enrolment: SopEnrolment, happenings: Sequence[str]) -> str | None:
    """The reason to stop, by the stop list as it was at enrolment: an edited config does not change it.

    A message is a reply only where our side has said something since enrolment and before it; else the customer is
    asking, or it comes late, out of quarantine.
    """
    replies = "reply" in happenings and "reply" in enrolment.stop and _answers(state, enrolment)
    return stops(enrolment.stop, [h for h in happenings if h != "reply" or replies])


def _answers(state: CustomerState, enrolment: SopEnrolment) -> bool:
    said, spoke, begun = state.customer.said_to_at, state.happened_at, enrolment.enrolled_at
    if said is None or said < begun or (spoke is not None and spoke < begun):
        return False
    return spoke is None or said <= spoke or _said_between(state, begun, spoke)


def _said_between(state: CustomerState, begun: datetime, spoke: datetime) -> bool:
    """Whether our side said something before a message that came late; asked for such a one alone."""
    session = object_session(state.customer)
    ours = Message.customer_id == state.customer.id, Message.role == "agent", Message.roomid == ""
    words = select(Message.id).where(*ours, Message.sent_at >= begun, Message.sent_at <= spoke)
    return session is not None and session.scalar(words.limit(1)) is not None
