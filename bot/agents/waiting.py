"""Waiting customers: reminds the agent, then tells their leader, by working time, once a half hour at most."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.agents.reading import Reader, readable
from bot.agents.reminders import Reminder
from bot.agents.wording_offers import best_answers
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Follow, Outbox, Placement
from bot.platform.work import About, Work
from bot.sops.gate import last_told
from sop.quotes import quoted
from sop.reply_clock import HALF_HOUR, alarms, threshold
from sop.working_time import told_length

KINDS = {"agent": "waiting", "leader": "waiting_leader"}
MOST_LISTED, MOST_ANSWERED = 10, 3


def remind_waiting(work: Work, limit: int = 500) -> int:
    """Put out the reminders whose time has come, one message for all of an agent's; returns how many were seen."""
    if not work.settings.tables.waiting:
        return 0
    follows = work.session.scalars(_to_look_at(work.now, limit)).all()
    if not follows:
        return 0
    stages = _stages(work.session, {follow.customer_id for follow in follows})
    agents = {follow.agent_id for follow in follows}
    told = {to: last_told(work.session, agents, work.now - HALF_HOUR, (kind,)) for to, kind in KINDS.items()}
    together: dict[tuple[int, str], list[Follow]] = {}
    for follow in follows:
        for to in _look(work, follow, stages.get(follow.customer_id, []), told):
            together.setdefault((follow.agent_id, to), []).append(follow)
    for (agent_id, to), theirs in together.items():
        key = f"waiting:{to}:{agent_id}:{work.now.isoformat()}"
        work.send(KINDS[to], key, {"to": to, "follow_ids": [one.id for one in theirs]}, About(agent_id=agent_id))
    return len(follows)


def _to_look_at(now: datetime, limit: int) -> Any:
    return (
        select(Follow)
        .where(Follow.waiting_look_at.is_not(None), Follow.waiting_look_at <= now)
        .order_by(Follow.waiting_look_at, Follow.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Follow)
    )


def _look(
    work: Work, follow: Follow, stages: Sequence[tuple[str, str]], told: Mapping[str, Mapping[int, datetime]]
) -> list[str]:
    """Whom to tell of this wait now; it is looked at again when the next is to be told."""
    due = _due(work.settings, follow, stages)
    now_due: list[str] = []
    later: list[datetime] = []
    for to, at in due.items():
        last = told[to].get(follow.agent_id)
        at = at if last is None else max(at, last + HALF_HOUR)
        if at <= work.now and not work.settings.calendar.shifts(work.now):
            now_due.append(to)
            follow.waiting_told = {**follow.waiting_told, to: work.now.isoformat()}
        else:
            later.append(max(at, work.settings.calendar.next_slot(work.now)))
    follow.waiting_look_at = min(later, default=None)
    return now_due


def _due(settings: Settings, follow: Follow, stages: Sequence[tuple[str, str]]) -> dict[str, datetime]:
    """Who is still to be told of this wait, and when."""
    table = threshold(settings.tables.waiting, stages)
    if table is None or follow.waiting_since is None or follow.ended_at is not None:
        return {}
    found = alarms(follow.waiting_since, table, settings.calendar)
    due = {"agent": found.agent, "leader": found.leader}
    return {to: at for to, at in due.items() if at is not None and to not in follow.waiting_told}


def _stages(session: Session, customers: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    query = select(Placement.customer_id, Placement.pipeline, Placement.stage).where(
        Placement.customer_id.in_(sorted(customers))
    )
    found: dict[int, list[tuple[str, str]]] = {}
    for customer_id, pipeline, stage in session.execute(query):
        found.setdefault(customer_id, []).append((pipeline, stage))
    return found


class RemindWaiting(Reminder):
    """Reminds of customers who still wait when it leaves."""

    settled = "都已经回复了"
    unnamed = "{agent} 有 {n} 位客户在等回复"

    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[Follow]:
        return _still_waiting(work.session, row.payload["follow_ids"], reader)

    def words(self, work: Work, listed: Sequence[Follow], about: str) -> str:
        said = {} if about else best_answers(work, listed[:MOST_ANSWERED])
        return _words(work.settings, listed, about, work.now, said)


def _still_waiting(session: Session, follow_ids: Sequence[int], reader: Reader) -> Sequence[Follow]:
    query = (
        select(Follow)
        .options(joinedload(Follow.customer))
        .where(Follow.id.in_(follow_ids), Follow.waiting_since.is_not(None), Follow.ended_at.is_(None))
        .where(readable(reader, Follow.customer_id))
        .order_by(Follow.waiting_since, Follow.id)
    )
    return session.scalars(query).all()


def _words(settings: Settings, follows: Sequence[Follow], agent: str, now: datetime, said: Mapping[int, str]) -> str:
    count = len(follows)
    head = f"{agent} 有 {count} 位客户在等回复" if agent else f"有 {count} 位客户在等您回复"
    lines = [
        f"{line}\n   可以这样答：{said[one.id]}" if one.id in said else line
        for line, one in zip(waiting_lines(settings, follows[:MOST_LISTED], now), follows, strict=False)
    ]
    rest = count - MOST_LISTED
    return "\n".join([f"{head}：", *lines, *([f"还有 {rest} 位"] if rest > 0 else [])])


def waiting_lines(settings: Settings, follows: Sequence[Follow], now: datetime) -> list[str]:
    """Customers who wait, a line each, with how long in working time and their last words."""
    return [f"{number}. {_line(settings, one, now)}" for number, one in enumerate(follows, 1)]


def waiting_pairs(settings: Settings, follows: Sequence[Follow], now: datetime) -> list[tuple[str, str]]:
    """The same for a card: the customer, and how long they have waited."""
    return [(one.customer.name or "新客户", f"等了 {_length(settings, one, now)}") for one in follows]


def _line(settings: Settings, follow: Follow, now: datetime) -> str:
    words = quoted(follow.customer.last_words, 20)
    return f"{follow.customer.name or '新客户'} 等了 {_length(settings, follow, now)}{words}"


def _length(settings: Settings, follow: Follow, now: datetime) -> str:
    return told_length(settings.calendar, follow.waiting_since or now, now)


def waiting_for(session: Session, agent: Agent, limit: int, reader: Reader | None = None) -> Sequence[Follow]:
    """The agent's own customers who wait for an answer, the longest first, as far as the reader may read of them."""
    query = (
        select(Follow)
        .options(joinedload(Follow.customer))
        .where(Follow.agent_id == agent.id, Follow.waiting_since.is_not(None), Follow.ended_at.is_(None))
        .order_by(Follow.waiting_since, Follow.id)
        .limit(limit)
    )
    if reader is not None:
        query = query.where(readable(reader, Follow.customer_id))
    return session.scalars(query).all()
