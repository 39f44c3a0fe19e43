"""Rows about people that several pages show: the tags of customers, and their agents."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Agent, Follow, Tagging


def carried_tags(session: Session, customer_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The tags each customer carries now, newest first; one query."""
    query = (
        select(Tagging.customer_id, Tagging.tag)
        .where(Tagging.customer_id.in_(customer_ids), Tagging.removed_at.is_(None))
        .order_by(Tagging.tagged_at.desc(), Tagging.id.desc())
    )
    found: dict[int, tuple[str, ...]] = {}
    for customer_id, tag in session.execute(query):
        found[customer_id] = (*found.get(customer_id, ()), tag)
    return found


def agent_names(session: Session, customer_ids: Sequence[int]) -> dict[int, str]:
    """The agent who has each customer; of several the one who talked last. One query."""
    query = (
        select(Follow.customer_id, Agent.name, Agent.userid, Follow.last_talk_at, Follow.added_at)
        .join(Agent, Agent.id == Follow.agent_id)
        .where(Follow.customer_id.in_(customer_ids), Follow.ended_at.is_(None))
    )
    rows = sorted(session.execute(query), key=lambda row: row.last_talk_at or row.added_at)
    return {row.customer_id: row.name or row.userid for row in rows}


def shown_agents(session: Session, ids: Collection[int] | None, limit: int = 1000) -> list[tuple[int, str]]:
    """Those of the agents (None: of all) who have not left the company, by name: for choosing one. One query."""
    query = select(Agent.id, Agent.name, Agent.userid).where(Agent.left_at.is_(None)).limit(limit)
    if ids is not None:
        query = query.where(Agent.id.in_(ids))
    return sorted(((row.id, row.name or row.userid) for row in session.execute(query)), key=lambda pair: pair[1])
