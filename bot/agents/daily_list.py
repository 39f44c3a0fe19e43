"""Daily list: once a working day tells each agent who waits for them, what is due today and what is left over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from bot.agents.own_follow_ups import due_before
from bot.agents.promises import LATELY, Owing, list_promises
from bot.agents.reading import NOBODY, Reader, readable, reader_of_agent
from bot.agents.waiting import waiting_for, waiting_pairs
from bot.customers.state import OPEN_STATES
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.config.settings import Settings
from bot.platform.database.store import set_status
from bot.platform.models import Agent, Follow, Outbox, OwnFollowUp, Promise, SopTask, Status
from bot.platform.models.columns import new_ref
from bot.platform.signed_links import day_url
from bot.platform.work import About, Work
from bot.sops.gate import last_told
from bot.wecom.cards import list_notice
from sop.digest import DuePrompt, in_order
from sop.quotes import list_line

if TYPE_CHECKING:
    from bot.system import System

STATUS = "morning"
KIND = "day_list"
MOST_WAITING = 3  # lines of the card for those who wait: it has six
MOST_PROMISED = 100
APART = timedelta(minutes=2)  # so far apart, at least, two messages about the same task come
_TOO_LATE = timedelta(hours=4)  # after a late start no list is sent that day


def put_daily_lists(work: Work) -> int:
    """Put out the day's lists once their hour has come; returns how many. None on a day off or after a late start."""
    calendar = work.settings.calendar
    day = calendar.local(work.now).date()
    begins = calendar.instant(day, work.settings.tables.budget.digest_at)
    if not begins <= work.now < begins + _TOO_LATE or not calendar.is_workday(day) or calendar.quiet_shifts(work.now):
        return 0
    status = work.session.get(Status, STATUS, with_for_update=True)
    if status is not None and status.value["day"] >= day.isoformat():
        return 0
    ends = calendar.instant(day + timedelta(days=1), datetime.min.time())
    agents = _with_something_to_do(work.session, work.now, ends)
    gap = max(work.settings.tables.budget.agent_gap, APART)
    told = last_told(work.session, agents, work.now - gap, ("card", "digest", "nudge"))
    for agent_id in agents:
        key = f"digest-day:{agent_id}:{day.isoformat()}"
        row = work.send(KIND, key, {"day": day.isoformat()}, About(agent_id=agent_id))
        row.deadline = begins + _TOO_LATE
        row.not_before = told[agent_id] + gap if agent_id in told else work.now
    set_status(work.session, STATUS, {"day": day.isoformat(), "lists": len(agents)}, work.now)
    return len(agents)


def _with_something_to_do(session: Session, now: datetime, ends: datetime) -> list[int]:
    """The agents who have something due before then, or for whose answer a customer waits."""
    until = func.coalesce(Promise.put_off_to, Promise.due_at, Promise.said_at)
    queries: tuple[Any, ...] = (
        select(SopTask.agent_id).where(SopTask.state.in_(OPEN_STATES), SopTask.due_at < ends),
        select(OwnFollowUp.agent_id).where(OwnFollowUp.state == "open", OwnFollowUp.due_at < ends),
        select(Promise.agent_id).where(Promise.closed_at.is_(None), until >= now - LATELY, until < ends),
        select(Follow.agent_id).where(Follow.waiting_since.is_not(None), Follow.ended_at.is_(None)),
    )
    return sorted({agent_id for query in queries for agent_id in session.scalars(query.distinct())})


class SendDayList(OutboxHandler):
    """Sends one agent's list of the day, as it stands when it leaves; it changes no task."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        settings = work.settings
        shifts = settings.calendar.quiet_shifts(work.now)
        if shifts:
            raise PostponedError((shifts[-1].to - work.now).total_seconds())
        if "card" in row.payload:
            return row.payload
        day = date.fromisoformat(row.payload["day"])
        ends = settings.calendar.instant(day + timedelta(days=1), datetime.min.time())
        agent = work.session.get_one(Agent, row.agent_id)
        reader = reader_of_agent(work.session, agent.id, work.now)
        listed = _of_agent(work.session, reader, agent.id, ends)
        gap = settings.tables.budget.agent_gap
        tasks = [task for task in listed if not _is_being_told(task, work.now, gap)]
        own = due_before(work.session, reader, agent.id, ends)
        promised = list_promises(work.session, reader, Owing(agent.id, work.now, ends), MOST_PROMISED)
        waiting = waiting_for(work.session, agent, MOST_WAITING) if reader != NOBODY else ()
        if not (tasks or own or promised or waiting):
            raise NotNeededError("今天没有要跟进的客户")
        left = sum(task.state == "delivered" for task in tasks)
        entries = in_order([*map(_entry, tasks), *map(_own_entry, own), *map(_promised_entry, promised)])
        card = list_notice(
            task_id=f"day_{new_ref()}",
            title=_title(day, len(entries), left, len(waiting)),
            lines=[
                *waiting_pairs(settings, waiting, work.now),
                *((str(entry.customer), _line(settings, entry)) for entry in entries),
            ],
            url=day_url(system.environment.base_url, agent.id, system.signing_key, row.created_at),
        )
        return {**row.payload, "userid": agent.userid, "card": card}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_card(payload["userid"], payload["card"]).msgid}


def _is_being_told(task: SopTask, now: datetime, gap: timedelta) -> bool:
    """Whether the task's own card reaches the agent within the same minutes: the list need not name it as well.

    gap: between two cards of an agent. Unless it is shorter than that, a card waits until the list is old enough.
    """
    told_at = task.delivered_at or (task.due_at if task.anytime or gap < APART else None)
    return told_at is not None and abs(now - told_at) <= APART


def _of_agent(session: Session, reader: Reader, agent_id: int, ends: datetime) -> list[SopTask]:
    query = (
        select(SopTask)
        .options(joinedload(SopTask.customer))
        .where(SopTask.agent_id == agent_id, SopTask.state.in_(OPEN_STATES), SopTask.due_at < ends)
        .where(readable(reader, SopTask.customer_id))
        .order_by(SopTask.due_at, SopTask.id)
    )
    return list(session.scalars(query))


def _entry(task: SopTask) -> DuePrompt:
    line = list_line(task.customer.last_words, task.why, task.attach)
    return DuePrompt(task.id, task.customer.name or "新客户", line, task.due_at, task.priority)


def _own_entry(row: OwnFollowUp) -> DuePrompt:
    return DuePrompt(f"own:{row.id}", row.customer.name or "新客户", row.words or "跟进一下", row.due_at)


def _promised_entry(row: Promise) -> DuePrompt:
    said = "您答应的" if row.by == "agent" else "客户说的"
    return DuePrompt(
        f"promise:{row.id}", row.customer.name or "新客户", f"{said}：{row.words}", row.until or row.said_at
    )


def _title(day: date, count: int, left: int, waiting: int) -> str:
    """So many things to do; who waits is named first."""
    date_of = f"{day.month}月{day.day}日"
    wait = f"{waiting}{'+' if waiting == MOST_WAITING else ''} 位在等回复"
    if not count:
        return f"{date_of}有 {wait}"
    told = f"，其中 {left} 件已提醒过" if left else ""
    return f"{date_of}要跟进 {count} 件{told}" + (f"，{wait}" if waiting else "")


def _line(settings: Settings, entry: DuePrompt) -> str:
    return f"{settings.calendar.local(entry.due_at):%m-%d %H:%M} {entry.title}"
