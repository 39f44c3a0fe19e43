"""Reading: who may read about which customer; the one question behind pages, links, lists, buttons and answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.agents.accounts import role_by_wecom, role_of
from bot.platform.models import Account, Agent, Department, Follow

SEES_ALL = frozenset({"admin", "auditor", "watcher"})
LEADS = "leader"


@dataclass(frozen=True)
class Reader:
    """Somebody who reads. through: the agents by whose living relations they may; None: every customer."""

    through: frozenset[int] | None


NOBODY = Reader(frozenset())


def reader_of_agent(session: Session, agent_id: int, now: datetime) -> Reader:
    """An agent as a reader, without a sign-in: what they have in hand is a link, a card, or the chat with the app.

    Nobody once their account is disabled or they have left. One who never signed in has the role that WeCom gives.
    """
    agent = session.get(Agent, agent_id)
    account = session.scalar(select(Account).where(Account.agent_id == agent_id))
    if agent is None or not is_active(account, agent, now):
        return NOBODY
    role = role_of(account) if account is not None else role_by_wecom(agent)
    return reader_in_role(session, role, agent_id, agent.leads or agent.departments)


def is_active(account: Account | None, agent: Agent | None, now: datetime) -> bool:
    """Whether nobody has disabled the account, and its agent has not left."""
    ends = (account.disabled_at if account is not None else None, agent.left_at if agent is not None else None)
    return not any(end is not None and end <= now for end in ends)


def reader_in_role(session: Session, role: str, agent_id: int | None, departments: Collection[int]) -> Reader:
    """A reader by role: all, those of the agents of their departments (and below), or only their own."""
    if role in SEES_ALL:
        return Reader(None)
    own = frozenset() if agent_id is None else frozenset({agent_id})
    if role != LEADS:
        return Reader(own)
    led = _with_those_below(session, departments)
    rows = session.execute(select(Agent.id, Agent.departments))
    return Reader(own | {row.id for row in rows if led.intersection(row.departments)})


def readable(
    reader: Reader, customer: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """A condition on a column of customers' ids: those whom the reader may read about."""
    if reader.through is None:
        return true()
    followed = select(Follow.customer_id).where(Follow.agent_id.in_(reader.through), Follow.ended_at.is_(None))
    return customer.in_(followed)


def may_read(session: Session, reader: Reader, customer_id: int) -> bool:
    """Whether the reader may read about this customer: the relation lives, or the role reads more."""
    if reader.through is None:
        return True
    living = select(Follow.id).where(
        Follow.customer_id == customer_id, Follow.agent_id.in_(reader.through), Follow.ended_at.is_(None)
    )
    return session.scalar(living.limit(1)) is not None


def _with_those_below(session: Session, departments: Collection[int]) -> set[int]:
    parents = {row.id: row.parent_id for row in session.execute(select(Department.id, Department.parent_id))}
    led = set(departments)
    while below := {one for one, parent in parents.items() if parent in led} - led:
        led |= below
    return led
