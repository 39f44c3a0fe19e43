"""Revisits: once a working day asks agents to look in on customers of the quality list, and keeps what came of it.

A revisit is a follow-up that the list wrote down for the agent: it is reminded of, shown to be done by the archive
and handed over like one of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from bot.agents.own_follow_ups import end
from bot.platform.database.store import set_status
from bot.platform.models import Agent, Customer, Follow, OwnFollowUp, Portrait, Status
from bot.platform.work import Work
from sop.revisits import OUTCOMES, Candidate, choose, is_due
from taggers.models.target import FITS, NAMED

STATUS, KIND, WORDS = "revisits", "revisit", "回访"
UNLISTED = "list"  # what ended it: the customer left the list
_MOST = 2000  # customers looked at on one day, the most wanted first
_AT_ONCE = 500
_TOO_LATE = timedelta(hours=4)
_FIRST_WORD = timedelta(hours=1)  # after the day's list, which names them

_RANK = case((Portrait.target == str(NAMED), 0), (Portrait.target == str(FITS), 1), else_=2)


def plan_revisits(work: Work) -> int:
    """Write the day's revisits down once its hour has come; returns how many. None on a day off."""
    terms, calendar = work.settings.tables.models.quality, work.settings.calendar
    day = calendar.local(work.now).date()
    begins = calendar.instant(day, work.settings.tables.budget.digest_at)
    if terms.revisit is None or not begins <= work.now < begins + _TOO_LATE or not calendar.is_workday(day):
        return 0
    status = work.session.get(Status, STATUS, with_for_update=True)
    if status is not None and status.value["day"] >= day.isoformat():
        return 0
    _drop_unlisted(work)
    due = [one for one in _candidates(work, terms.revisit) if is_due(one, terms.revisit, work.now)]
    chosen = choose(due, _open_counts(work.session), terms.per_day)
    at = calendar.next_slot(work.now + _FIRST_WORD)
    for one in chosen:
        work.session.add(_row(one, work.now, at))
    set_status(work.session, STATUS, {"day": day.isoformat(), "revisits": len(chosen)}, work.now)
    return len(chosen)


def note_outcome(row: OwnFollowUp, outcome: str, now: datetime) -> None:
    """Note what came of a revisit, which is done by that."""
    if outcome not in OUTCOMES:
        raise ValueError(f"no such outcome: {outcome}")
    row.outcome = outcome
    if row.state == "open":
        end(row, now, "hand")


def untold_of(session: Session, agent_id: int, customer_id: int, since: datetime) -> OwnFollowUp | None:
    """The agent's last revisit of a customer that was done since then, and of which nobody said what came of it."""
    asked = select(OwnFollowUp).where(
        OwnFollowUp.customer_id == customer_id,
        OwnFollowUp.agent_id == agent_id,
        OwnFollowUp.kind == KIND,
        OwnFollowUp.state == "done",
        OwnFollowUp.outcome == "",
        OwnFollowUp.ended_at >= since,
    )
    return session.scalars(asked.order_by(OwnFollowUp.id.desc()).limit(1)).first()


def _drop_unlisted(work: Work) -> None:
    """A revisit of somebody who left the list is not asked for any more."""
    gone = select(OwnFollowUp).join(Portrait, Portrait.customer_id == OwnFollowUp.customer_id)
    gone = gone.where(OwnFollowUp.kind == KIND, OwnFollowUp.state == "open", Portrait.listed.is_(False))
    for row in work.session.scalars(gone.limit(_MOST)):
        end(row, work.now, UNLISTED, state="dropped")


def _candidates(work: Work, every: timedelta) -> list[Candidate]:
    latest = func.max(OwnFollowUp.created_at)
    visits = select(OwnFollowUp.customer_id, latest.label("at")).where(OwnFollowUp.kind == KIND)
    visited = visits.group_by(OwnFollowUp.customer_id).subquery()
    before = work.now - every
    asked = (
        select(Portrait.customer_id, _RANK, Customer.said_to_at, visited.c.at)
        .join(Customer, Customer.id == Portrait.customer_id)
        .outerjoin(visited, visited.c.customer_id == Portrait.customer_id)
        .where(Portrait.listed, Customer.opted_out_at.is_(None))
        .where(or_(Customer.said_to_at.is_(None), Customer.said_to_at <= before))
        .where(or_(visited.c.at.is_(None), visited.c.at <= before))
        .order_by(_RANK, Customer.said_to_at.asc().nulls_first(), Portrait.customer_id)
        .limit(_MOST)
    )
    rows = work.session.execute(asked).all()
    agents = _agents(work.session, [row[0] for row in rows])
    return [
        Candidate(one, agents[one], rank, max((at for at in (said, last) if at is not None), default=None))
        for one, rank, said, last in rows
        if one in agents
    ]


def _agents(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """By customer the agent who talked with them last."""
    found: dict[int, int] = {}
    for start in range(0, len(ids), _AT_ONCE):
        mine: Any = (
            select(Follow.customer_id, Follow.agent_id)
            .join(Agent, Agent.id == Follow.agent_id)
            .where(Follow.customer_id.in_(ids[start : start + _AT_ONCE]), Follow.ended_at.is_(None))
            .where(Agent.left_at.is_(None))
            .order_by(func.coalesce(Follow.last_talk_at, Follow.added_at), Follow.id)
        )
        found |= dict(session.execute(mine).all())
    return found


def _open_counts(session: Session) -> dict[int, int]:
    """How many revisits each agent has open: who does not get round to them gets no more."""
    mine = OwnFollowUp.kind == KIND, OwnFollowUp.state == "open"
    counted = select(OwnFollowUp.agent_id, func.count()).where(*mine).group_by(OwnFollowUp.agent_id)
    return dict(session.execute(counted).all())


def _row(one: Candidate, now: datetime, at: datetime) -> OwnFollowUp:
    return OwnFollowUp(
        agent_id=one.agent_id, customer_id=one.customer_id, words=WORDS, due_at=at, state="open",
        created_at=now, kind=KIND,
    )  # fmt: skip
