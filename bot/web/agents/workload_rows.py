"""Workloads: an agent's tasks of the day (overdue, due, later, done), and a team's in numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload

from bot.agents.own_follow_ups import due_before
from bot.agents.promises import Owing, list_promises
from bot.agents.questions import list_questions
from bot.agents.reading import Reader, readable
from bot.agents.waiting import waiting_for
from bot.customers.state import OPEN_STATES
from bot.platform.models import Agent, Follow, OpenQuestion, OwnFollowUp, Promise, SopTask
from sop.workcalendar import Workcalendar

GRACE = timedelta(hours=1)  # an agent in the middle of a conversation is not late at once
AHEAD = timedelta(days=7)
LOOK_BACK = timedelta(days=7)
MOST_AGENTS = 500
MOST_OWED = 100
SENT = ("completed", "replied")
Counts = dict[int, tuple[int, ...]]


@dataclass(frozen=True)
class Workload:
    """One agent's tasks, by due time (the done ones newest first). more: there are more open ones than shown."""

    agent: Agent
    overdue: tuple[SopTask, ...]
    due: tuple[SopTask, ...]
    today: tuple[SopTask, ...]
    later: tuple[SopTask, ...]
    done: tuple[SopTask, ...]
    more: bool
    colleagues: dict[int, str]  # who sent in the agent's place
    waiting: tuple[Follow, ...] = ()  # whose customers wait for an answer, the longest first
    own: tuple[OwnFollowUp, ...] = ()  # what the agent wrote down to be reminded of
    promises: Sequence[Promise] = ()  # due until the day ends, the longest due first
    questions: Sequence[OpenQuestion] = ()  # that nobody answered, the longest first

    @property
    def spoke(self) -> set[int]:
        """The customers whose words are shown."""
        owed = {row.customer_id for row in self.promises} | {row.customer_id for row in self.questions}
        owed |= {follow.customer_id for follow in self.waiting if follow.customer.last_words}
        return owed | {task.customer_id for task in self.tasks if task.customer.last_words}

    @property
    def tasks(self) -> tuple[SopTask, ...]:
        return (*self.overdue, *self.due, *self.today, *self.later, *self.done)

    @property
    def empty(self) -> bool:
        return not self.tasks

    @property
    def stamp(self) -> str:
        """Changes with anything that the page shows of the tasks."""
        groups = (self.overdue, self.due, self.today, self.later, self.done)
        facts: list[object] = [[_facts(task) for task in group] for group in groups]
        facts += [(row.id, row.due_at, row.words) for row in self.own]
        facts += [(row.id, row.waiting_since, row.customer.last_words) for row in self.waiting]
        facts += [(row.id, row.until) for row in self.promises]
        facts += [(row.id, row.nearest) for row in self.questions]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class TeamMember:
    """One agent of a team in numbers; missed: prompts of the last 7 days that ran out unsent."""

    agent: Agent
    open: int
    due: int
    overdue: int
    done: int
    sent: int
    missed: int

    @property
    def discipline(self) -> int | None:
        """Of 100 prompts of the last 7 days that were sent or ran out, so many were sent; None where there were
        none."""
        both = self.sent + self.missed
        return round(100 * self.sent / both) if both else None


def read_workload(
    session: Session, reader: Reader, agent: Agent, calendar: Workcalendar, now: datetime, limit: int
) -> Workload:
    """An agent's day, of the customers about whom the reader may read. Five queries at most."""
    begins, ends = _today(calendar, now)
    mine = select(SopTask).options(joinedload(SopTask.customer))
    mine = mine.where(SopTask.agent_id == agent.id, readable(reader, SopTask.customer_id))
    waiting = mine.where(SopTask.state.in_(OPEN_STATES), SopTask.due_at < now + AHEAD)
    rows = session.scalars(waiting.order_by(SopTask.due_at, SopTask.id).limit(limit + 1)).all()
    finished = mine.where(SopTask.completed_at >= begins, SopTask.state.in_(SENT))
    done = session.scalars(finished.order_by(SopTask.completed_at.desc(), SopTask.id).limit(limit)).all()
    shown = rows[:limit]
    return Workload(
        agent=agent,
        overdue=_between(shown, None, now - GRACE),
        due=_between(shown, now - GRACE, now + timedelta(microseconds=1)),
        today=_between(shown, now + timedelta(microseconds=1), ends),
        later=_between(shown, max(ends, now + timedelta(microseconds=1)), None),
        done=tuple(done),
        more=len(rows) > limit,
        colleagues=_names(session, {task.sent_by_id for task in done if task.sent_by_id not in (None, agent.id)}),
        waiting=tuple(waiting_for(session, agent, limit, reader)),
        own=tuple(due_before(session, reader, agent.id, now + AHEAD, limit)),
        promises=list_promises(session, reader, Owing(agent.id, now, ends), MOST_OWED),
        questions=list_questions(session, reader, agent.id, now, MOST_OWED),
    )


def read_team(
    session: Session, agents: Collection[int] | None, calendar: Workcalendar, now: datetime
) -> tuple[TeamMember, ...]:
    """The agents of a team (None: of the company) who have tasks, those with most overdue first. Four queries."""
    who = select(Agent).where(Agent.left_at.is_(None)).order_by(Agent.id).limit(MOST_AGENTS)
    if agents is not None:
        who = who.where(Agent.id.in_(agents))
    people = session.scalars(who).all()
    ids, since = [agent.id for agent in people], now - LOOK_BACK
    due, late = _count(SopTask.due_at <= now), _count(SopTask.due_at < now - GRACE)
    open_ = (SopTask.state.in_(OPEN_STATES), SopTask.due_at < now + AHEAD)
    waiting = _by_agent(session, ids, open_, func.count(), due, late)
    today = _count(SopTask.completed_at >= _today(calendar, now)[0])
    sent = _by_agent(session, ids, (SopTask.completed_at >= since,), today, func.count())
    missed = _by_agent(session, ids, (SopTask.state == "expired", SopTask.due_at >= since), func.count())
    busy = [agent for agent in people if agent.id in waiting or agent.id in sent or agent.id in missed]
    members = (
        TeamMember(agent, *waiting.get(agent.id, (0, 0, 0)), *sent.get(agent.id, (0, 0)), *missed.get(agent.id, (0,)))
        for agent in busy
    )
    return tuple(sorted(members, key=lambda one: (-one.overdue, -one.due, one.agent.id)))


def _names(session: Session, ids: Collection[int | None]) -> dict[int, str]:
    if not ids:
        return {}
    return {agent.id: agent.shown_name for agent in session.scalars(select(Agent).where(Agent.id.in_(ids)))}


def _by_agent(
    session: Session, ids: list[int], conditions: Iterable[ColumnElement[bool]], *figures: ColumnElement[int]
) -> Counts:
    """agent's id -> figures; the agents are named so that the index of an agent's tasks answers alone."""
    query = select(SopTask.agent_id, *figures).where(SopTask.agent_id.in_(ids), *conditions)
    return {row[0]: tuple(int(n) for n in row[1:]) for row in session.execute(query.group_by(SopTask.agent_id))}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _between(tasks: Iterable[SopTask], start: datetime | None, end: datetime | None) -> tuple[SopTask, ...]:
    """Those due from `start` on and before `end`."""
    return tuple(
        task for task in tasks if (start is None or task.due_at >= start) and (end is None or task.due_at < end)
    )


def _today(calendar: Workcalendar, now: datetime) -> tuple[datetime, datetime]:
    day = calendar.local(now).date()
    return calendar.instant(day, time.min), calendar.instant(day + timedelta(days=1), time.min)


def _facts(task: SopTask) -> tuple[object, ...]:
    return (
        task.id,
        task.state,
        task.due_at,
        task.tapped_at,
        task.outcome,
        task.replied_at,
        task.text,
        len(task.shifts),
    )
