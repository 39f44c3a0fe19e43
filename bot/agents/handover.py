"""Handover: lets a new agent take over what is open for a customer, and writes it to the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from bot.customers.handovers import open_handover
from bot.customers.phone_tags import marked_names
from bot.customers.stages import mark_again
from bot.customers.state import CustomerState
from bot.platform.database import audit_log as audit_log
from bot.platform.models import Follow, GroupSend, OpenQuestion, Promise, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from bot.sops.prompts import put_off
from bot.sops.stopping import end_enrolment, stop_sops
from sop.cards import HANDED_OVER

ASSIGNED = 202  # WeCom's add_way: an admin assigned the customer
TRANSFER = "transfer"
LATELY = timedelta(days=3)  # WeCom completes a transfer within a day
NO_NEWCOMER = "接手老客户，不再按新客户跟进"
_ANEW = frozenset({"queued", "delivered", "unknown"})


def taken_from(state: CustomerState, at: datetime) -> Follow | None:
    """The contact from which the customer was lately handed over, and whose tasks nobody has taken over yet."""
    given = [f for f in state.follows if f.ended_by == TRANSFER and f.ended_at is not None and _near(f.ended_at, at)]
    waiting = [follow for follow in given if _running(state, follow)]
    newest = max(waiting or given, key=_ended, default=None)
    if newest is None or waiting:
        return newest
    has_heir = any(follow.added_at >= _ended(newest) for follow in state.active_follows)
    return None if has_heir else newest


def heir_of(state: CustomerState, giver: Follow, *, surely: bool = False) -> Follow | None:
    """Who has the customer now that `giver` has not: whom an admin assigned, else who added them lately.

    surely: only whom an admin assigned.
    """
    others = [follow for follow in state.active_follows if follow is not giver]
    given = [follow for follow in others if follow.add_way == ASSIGNED]
    lately = [follow for follow in others if giver.ended_at and _near(follow.added_at, giver.ended_at)]
    return max(given or ([] if surely else lately), key=lambda follow: follow.added_at, default=None)


def inherit(work: Work, state: CustomerState, giver: Follow, heir: Follow, why: str) -> int:
    """Let `heir` go on with what runs through `giver`; returns how many open tasks they take over.

    What was on its way to the giver's phone is prompted anew on the heir's. A mass message that WeCom has already
    stays with the giver, since WeCom cannot move it.
    """
    running, moved = _running(state, giver), 0
    _stop_newcomer(work, state, heir, {enrolment.sop_id for enrolment in running})
    for enrolment in running:
        enrolment.agent_id = heir.agent_id
        moved += sum(_take_on(work, task, heir.agent_id) for task in enrolment.tasks)
    for own in state.own_follow_ups:
        if own.agent_id == giver.agent_id:
            own.agent_id = heir.agent_id
    for model in (Promise, OpenQuestion):
        theirs = model.customer_id == state.customer.id, model.agent_id == giver.agent_id, model.closed_at.is_(None)
        work.session.execute(update(model).where(*theirs).values(agent_id=heir.agent_id))
    open_handover(work, state.customer.id, giver.agent_id, heir.agent_id, "transfer")
    for name in marked_names(work.settings, state, heir):
        mark_again(work, heir, name)
    detail = {"from": giver.agent.userid, "to": heir.agent.userid, "tasks": moved, "sops": len(running), "why": why}
    audit_log.record(work.session, "wecom", "customer.transfer", f"customer:{state.customer.id}", work.now, **detail)
    work.session.flush()
    return moved


def end_or_inherit(work: Work, state: CustomerState, giver: Follow) -> Follow | None:
    """After a profile showed that a contact ended: let the heir go on, or stop what was planned. Returns the heir."""
    handed_over = giver.ended_by == TRANSFER or giver.agent.left_at is not None
    heir = heir_of(state, giver, surely=not handed_over)
    if heir is not None:
        giver.ended_by = TRANSFER
        inherit(work, state, giver, heir, "reading")
    else:
        stop_sops(work, CustomerState(state.customer, enrolments=_running(state, giver)), ["left"])
    return heir


def _running(state: CustomerState, follow: Follow) -> list[SopEnrolment]:
    return [e for e in state.enrolments if e.ended_at is None and e.agent_id == follow.agent_id]


def _stop_newcomer(work: Work, state: CustomerState, heir: Follow, sops: set[str]) -> None:
    """End what started because the heir's customer seemed new, or what would now run twice."""
    for enrolment in _running(state, heir):
        greeted = any(task.completed_at is not None for task in enrolment.tasks)
        newcomer = enrolment.cause.startswith("event:") and enrolment.enrolled_at >= heir.added_at - LATELY
        if (newcomer and not greeted) or enrolment.sop_id in sops:
            end_enrolment(work, enrolment, NO_NEWCOMER)


def _take_on(work: Work, task: SopTask, agent_id: int) -> bool:
    if task.state not in ("planned", *_ANEW):
        return False
    if task.group_send_id is not None:
        if work.session.get_one(GroupSend, task.group_send_id).state != "gathering":
            return False
        task.group_send_id = None
    task.agent_id = agent_id
    if task.state in _ANEW:
        cancel_cards(work, [task.id], HANDED_OVER)
        put_off(task, work.now, "客户交接")
    return True


def _ended(follow: Follow) -> datetime:
    return follow.ended_at or follow.added_at


def _near(one: datetime, other: datetime) -> bool:
    return abs(one - other) <= LATELY
