"""Stopping: ends enrolments and withdraws what was still to be sent for them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select, update

from bot.customers.stages import Moved
from bot.customers.state import CustomerState
from bot.platform.batch import Batch
from bot.platform.models import Model, Outbox, SopEnrolment, SopTask
from bot.platform.work import Work
from sop.stopping import reason_of, stops


def stop_sops(work: Work, state: CustomerState, happenings: Sequence[str]) -> list[SopEnrolment]:
    """End the running enrolments that any of these stops, with all that is still open of them."""
    stopped = []
    for enrolment in state.enrolments:
        reason = _stopped_by(state, enrolment, happenings) if enrolment.ended_at is None else None
        if reason is not None:
            end_enrolment(work, enrolment, reason)
            stopped.append(enrolment)
    return stopped


def stop_by_agent(work: Work, state: CustomerState, agent_id: int, reason: str) -> None:
    """End what runs through this agent, from whom the customer wants no more."""
    for enrolment in state.enrolments:
        if enrolment.ended_at is None and enrolment.agent_id == agent_id:
            end_enrolment(work, enrolment, reason)


def end_enrolment(work: Work, enrolment: SopEnrolment, reason: str) -> None:
    """End an enrolment; its open tasks are cancelled and their cards, where not yet sent, do not leave."""
    enrolment.ended_at, enrolment.ended_because = work.now, reason[:64]
    open_tasks = [task for task in enrolment.tasks if task.state in ("planned", "queued", "delivered", "unknown")]
    for task in open_tasks:
        task.state, task.ended_because = "cancelled", reason
    cancel_cards(work, [task.id for task in open_tasks], reason)


def cancel_cards(work: Work, task_ids: Sequence[int], reason: str) -> None:
    """Keep cards that still wait in the outbox from leaving."""
    if not task_ids:
        return
    if work.batch is not None:
        _withdraw_later(work, work.batch, task_ids, reason)
        return
    work.session.flush()  # a card put out in this very transaction must be found as well
    waiting = select(Outbox).where(Outbox.task_id.in_(task_ids), Outbox.state == "waiting")
    for row in work.session.scalars(waiting):
        row.state, row.error, row.done_at = "cancelled", reason[:500], work.now


def _withdraw_later(work: Work, batch: Batch, task_ids: Sequence[int], reason: str) -> None:
    """Withdraw the cards that this batch put out, and note whose stored ones must not leave."""
    for row in work.leaving:
        if row.task_id in task_ids and row.state == "waiting":
            row.state, row.error, row.done_at = "cancelled", reason[:500], work.now
    for task_id in task_ids:
        batch.withdrawn.setdefault(task_id, reason)


def withdraw_cards(work: Work) -> None:
    """Cancel the stored cards that a batch withdrew, but for those that have left since."""
    batch = work.batch
    if batch is None or not batch.withdrawn:
        return
    ids = list(batch.withdrawn)
    waiting = [
        row
        for start in range(0, len(ids), 500)
        for row in work.session.execute(
            select(Outbox.id, Outbox.task_id).where(
                Outbox.state == "waiting", Outbox.task_id.in_(ids[start : start + 500])
            )
        )
    ]
    rows = [{"row_id": row.id, "why": batch.withdrawn[row.task_id][:500]} for row in waiting if row.task_id]
    table = Model.metadata.tables[Outbox.__tablename__]
    cancel = (
        update(table)
        .where(table.c.id == bindparam("row_id"), table.c.state == "waiting")
        .values(state="cancelled", error=bindparam("why"), done_at=work.now)
    )
    if rows:
        work.session.connection().execute(cancel, rows)
    batch.withdrawn.clear()


def stop_left_stage(work: Work, state: CustomerState, moved: Moved) -> None:
    """End the SOPs of the stage that a move left, where they stop by that."""
    for enrolment in state.enrolments:
        sop = work.settings.sops.get(enrolment.sop_id)
        left = sop is not None and sop.stage in (None, moved.row.from_stage) and moved.row.from_stage is not None
        if enrolment.ended_at is None and left and "moved" in enrolment.stop:
            end_enrolment(work, enrolment, reason_of("moved"))


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
        task.state, task.ended_because = "expired", "员工未在有效期内发送"
    return len(rows)


def _stopped_by(state: CustomerState, enrolment: SopEnrolment, happenings: Sequence[str]) -> str | None:
    """The reason to stop, by the stop list as it was at enrolment: an edited config does not change it.

    A message is a reply only where our side has said something since enrolment; before, the customer is asking.
    """
    said = state.customer.said_to_at
    answered = said is not None and said >= enrolment.enrolled_at
    return stops(enrolment.stop, [h for h in happenings if h != "reply" or answered])
