"""Group sends (企业群发): gathers due tasks into mass messages, watches them until confirmed, records the results."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.customers.state import OPEN_STATES
from bot.platform.config.settings import Settings
from bot.platform.database.store import canonical_json
from bot.platform.models import Customer, GroupSend, Outbox, SopEnrolment, SopTask
from bot.platform.work import About, Work
from bot.sops.gate import add_shifts
from sop.completion import lateness
from sop.group_sends import (
    MOST_CUSTOMERS,
    VERDICTS,
    GroupSendOutcome,
    month_start,
    monthly_cap,
    next_poll,
    next_reminder,
    wait_for_more,
)
from sop.workcalendar import Postponement

SETTLE = timedelta(seconds=15)  # tasks due at one moment are handled in several transactions
AGAIN_AFTER = timedelta(
    minutes=5
)  # customers who drop out within it cost the others one new mass message, not several
NO_RESULT_AFTER = timedelta(days=1)
_UNCHANGED = ("delivered", "failed")  # what a task of an unconfirmed mass message is while nothing has happened to it


def gather_due(work: Work, tasks: Sequence[SopTask]) -> list[SopTask]:
    """Put due tasks into mass messages, one for the same words of one agent; returns those that must go by card.

    A message leaves when the last task of the same clock hour has come due. A customer who has had as many this month
    as WeCom allows gets none: their agent is prompted by card instead.
    """
    full = _at_the_cap(work, {task.customer_id for task in tasks})
    bundles: dict[tuple[object, ...], list[SopTask]] = {}
    for task in tasks:
        if task.customer_id not in full:
            key = (task.agent_id, task.enrolment.sop_id, task.step, task.text, canonical_json(task.attach))
            bundles.setdefault(key, []).append(task)
    for together in bundles.values():
        rest = together
        while rest:
            group = _open_group(work.session, rest[0]) or _new_group(work, rest[0])
            room = MOST_CUSTOMERS - _gathered(work.session, group)
            _join(group, rest[:room])
            work.session.flush()
            rest = rest[room:]
    by_card = [task for task in tasks if task.customer_id in full]
    for task in by_card:
        task.channel = "card"
        add_shifts(task, Postponement("客户本月收到的群发已到上限，改为卡片", task.due_at, task.due_at))
    return by_card


def tasks_of(session: Session, group: GroupSend, states: Iterable[str]) -> list[SopTask]:
    """The tasks of a mass message that are in these states, in the order of their ids."""
    mine = select(SopTask).where(SopTask.group_send_id == group.id, SopTask.state.in_(tuple(states)))
    return list(session.scalars(mine.order_by(SopTask.id)))


def recipients_of(session: Session, group: GroupSend) -> list[str]:
    """The external_userids of the customers it is still to be sent to."""
    mine = select(Customer.external_userid).join(SopTask, SopTask.customer_id == Customer.id)
    queued = mine.where(SopTask.group_send_id == group.id, SopTask.state == "queued")
    return list(session.scalars(queued.order_by(SopTask.id)))


def watch_open(work: Work) -> int:
    """Put out what open mass messages need now: a cancel where somebody dropped out, a poll, a reminder. Returns how
    many rows were put out."""
    groups = work.session.scalars(
        select(GroupSend).where(GroupSend.state.in_(("created", "confirmed"))).order_by(GroupSend.id)
    ).all()
    changed = set(_with_changes(work.session))
    put = 0
    for group in groups:
        if group.id in changed:
            put += _put(work, group, "group_cancel", f"group_cancel:{group.id}")
            continue
        if group.poll_at is not None and group.poll_at <= work.now:
            put += _put(work, group, "group_poll", f"group_poll:{group.id}:{group.polls}")
        if group.state == "created" and _reminder_is_due(work.settings, group, work.now):
            nth = len(group.reminded_at) + 1
            put += _put(work, group, "group_remind", f"group_remind:{group.id}:{nth}")
    return put


def record_created(work: Work, group: GroupSend, msgid: str, refused: Sequence[str]) -> None:
    """Record that WeCom has it: its tasks are delivered to the agent, except those of customers WeCom refused."""
    tasks = tasks_of(work.session, group, ("queued",))
    out = set(_ids_of(work.session, refused))
    group.state, group.msgid, group.made_at, group.poll_at = "created", msgid, work.now, work.now + AGAIN_AFTER
    group.customers = sum(task.customer_id not in out for task in tasks)
    for task in tasks:
        task.expires_at = group.expires_at  # they end together: WeCom cannot take a single one out
        if task.customer_id in out:
            task.state, task.ended_because = "failed", "企业微信没有接受：不是这位员工的好友"
        else:
            task.state, task.delivered_at = "delivered", work.now


def record_progress(work: Work, group: GroupSend, progress: Mapping[str, Any]) -> None:
    """Record whether the agent has confirmed, and each customer's result. progress: see group_send_handlers."""
    group.polls, group.polled_at = group.polls + 1, work.now
    if progress["confirmed_at"] and group.state == "created":
        group.state, group.confirmed_at = "confirmed", datetime.fromisoformat(progress["confirmed_at"])
    group.poll_at = next_poll(group.confirmed_at or group.made_at or work.now, work.now)
    results = {person: (status, at) for person, status, at in progress["results"]}
    for person, task in _unsettled_tasks(work.session, group, results):
        status, at = results[person]
        _record_result(work.settings, task, status, datetime.fromtimestamp(at, UTC) if at else work.now)
    if group.state == "confirmed":
        _close_if_settled(work, group)


def replan_rest(work: Work, group: GroupSend) -> None:
    """After a cancel, before it was confirmed: plan it anew for all but those who dropped out."""
    rest = tasks_of(work.session, group, ("delivered",))
    group.state, group.poll_at = "cancelled", None
    group.ended_because = "有客户不再需要，已撤回并为其余客户重新发起" if rest else "客户都已不需要，已撤回"
    for task in rest:
        again = work.now + AGAIN_AFTER
        add_shifts(task, Postponement("同一次群发里有客户不再需要", task.due_at, again))
        task.state, task.due_at, task.delivered_at, task.group_send_id = "planned", again, None, None


def fail_group_send(session: Session, group: GroupSend, state: str, why: str) -> None:
    """Record that it failed, or that its outcome is unknown, for it and its queued tasks."""
    group.state, group.ended_because = "unknown" if state == "unknown" else "failed", why[:200]
    group.poll_at = None
    for task in tasks_of(session, group, ("queued",)):
        task.state, task.ended_because = state, why[:200]


def _record_result(settings: Settings, task: SopTask, status: int, at: datetime) -> None:
    result = VERDICTS.get(status, GroupSendOutcome("failed", f"企业微信给出了未收录的结果（{status}），不知是否送达"))
    if result.state == "waiting":
        return
    task.group_status = status
    if result.state == "failed" and task.state in OPEN_STATES:
        task.state, task.ended_because = "failed", result.why
    elif result.state == "completed" and task.state in OPEN_STATES:
        task.state, task.outcome = "completed", "group-send"
        task.timing = lateness(at, task.delivered_at, settings.tables.completion.late_after)
        task.completed_at, task.sent_by_id = at, task.agent_id
        task.window_until = at + timedelta(seconds=task.window_seconds)
    elif result.state == "completed" and task.outcome == "exact":
        task.outcome = "group-send"  # the archive showed it before the poll did
    elif result.state == "completed" and task.state == "cancelled":
        task.ended_because = f"{task.ended_because or '已取消'}；但员工此前已确认群发"[:200]


def _close_if_settled(work: Work, group: GroupSend) -> None:
    waiting = tasks_of(work.session, group, ("delivered",))
    if waiting and work.now - (group.confirmed_at or work.now) > NO_RESULT_AFTER:
        for task in waiting:
            task.state, task.ended_because = "failed", "员工确认后，企业微信一直没有给出结果"
        waiting = []
    if not waiting:
        group.state, group.poll_at = "done", None


def _open_group(session: Session, task: SopTask) -> GroupSend | None:
    """One that gathers the same words, has not been tried and has room. The lock on its row keeps it from leaving."""
    same = select(GroupSend).where(
        GroupSend.state == "gathering",
        GroupSend.agent_id == task.agent_id,
        GroupSend.sop_id == task.enrolment.sop_id,
        GroupSend.step == task.step,
        GroupSend.text == task.text,
    )
    for group in session.scalars(same.order_by(GroupSend.id.desc())):
        untried = select(Outbox.id).where(
            Outbox.key == f"group_send:{group.id}", Outbox.state == "waiting", Outbox.first_tried_at.is_(None)
        )
        if group.attach != task.attach or session.scalar(untried.with_for_update()) is None:
            continue
        if _gathered(session, group) < MOST_CUSTOMERS:
            return group
    return None


def _gathered(session: Session, group: GroupSend) -> int:
    mine = select(func.count()).where(SopTask.group_send_id == group.id, SopTask.state == "queued")
    return session.scalar(mine) or 0


def _new_group(work: Work, task: SopTask) -> GroupSend:
    group = GroupSend(
        agent_id=task.agent_id,
        sop_id=task.enrolment.sop_id,
        step=task.step,
        text=task.text,
        attach=task.attach,
        state="gathering",
        customers=0,
        created_at=work.now,
        expires_at=task.expires_at,
        polls=0,
        reminded_at=[],
    )
    work.session.add(group)
    work.session.flush()
    same_hour = (
        select(SopTask.due_at)
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(
            SopTask.state == "planned",
            SopTask.channel == "group-send",
            SopTask.agent_id == task.agent_id,
            SopTask.step == task.step,
            SopEnrolment.sop_id == group.sop_id,
            SopTask.due_at > work.now,
            SopTask.due_at < work.now + timedelta(hours=1),
        )
    )
    leaves_at = wait_for_more(work.now, work.session.scalars(same_hour)) + SETTLE
    _put(work, group, "group_send", f"group_send:{group.id}", leaves_at)
    return group


def _join(group: GroupSend, tasks: Sequence[SopTask]) -> None:
    for task in tasks:
        task.state, task.group_send_id = "queued", group.id
        group.expires_at = max(group.expires_at, task.expires_at)


def _put(work: Work, group: GroupSend, kind: str, key: str, not_before: datetime | None = None) -> int:
    if work.session.scalar(select(Outbox.id).where(Outbox.key == key)) is not None:
        return 0
    row = work.send(kind, key, {"group_send_id": group.id}, About(agent_id=group.agent_id))
    row.not_before = not_before or work.now
    return 1


def _reminder_is_due(settings: Settings, group: GroupSend, now: datetime) -> bool:
    reminded = [datetime.fromisoformat(at) for at in group.reminded_at]
    made_at = group.made_at or group.created_at
    at = next_reminder(made_at, reminded, settings.tables.overdue, settings.calendar, group.expires_at)
    return at is not None and at <= now


def _with_changes(session: Session) -> Iterable[int]:
    """The ids of unconfirmed mass messages with a task that was stopped, put off, fulfilled otherwise or expired."""
    changed = (
        select(SopTask.group_send_id)
        .join(GroupSend, GroupSend.id == SopTask.group_send_id)
        .where(GroupSend.state == "created", SopTask.state.not_in(_UNCHANGED))
        .distinct()
    )
    return [group_id for group_id in session.scalars(changed) if group_id is not None]


def _at_the_cap(work: Work, customers: set[int]) -> set[int]:
    """Those of the customers who have got, or are about to get, as many mass messages this month as WeCom allows."""
    counted = (
        select(SopTask.customer_id)
        .where(
            SopTask.customer_id.in_(customers),
            SopTask.channel == "group-send",
            (SopTask.group_status == 1) | SopTask.state.in_(("queued", "delivered")),
            func.coalesce(SopTask.completed_at, SopTask.delivered_at, SopTask.due_at)
            >= month_start(work.now, work.settings.calendar),
        )
        .group_by(SopTask.customer_id)
        .having(func.count() >= monthly_cap(work.now, work.settings.calendar))
    )
    return set(work.session.scalars(counted))


def _ids_of(session: Session, external_userids: Sequence[str]) -> list[int]:
    ids: list[int] = []
    for start in range(0, len(external_userids), 500):
        chunk = external_userids[start : start + 500]
        ids += session.scalars(select(Customer.id).where(Customer.external_userid.in_(chunk)))
    return ids


def _unsettled_tasks(session: Session, group: GroupSend, people: Container[str]) -> list[tuple[str, SopTask]]:
    """(external_userid, task) of these people in a mass message, where the result is not known yet."""
    mine = select(Customer.external_userid, SopTask).join(Customer, Customer.id == SopTask.customer_id)
    unknown = mine.where(SopTask.group_send_id == group.id, SopTask.group_status.is_(None))
    return [(person, task) for person, task in session.execute(unknown) if person in people]
