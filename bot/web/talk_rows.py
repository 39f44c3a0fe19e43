"""A customer's conversation as bubbles, the words that were noticed marked with rule and reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot.models import Agent, Evidence, Message
from bot.web.highlight import LONGEST, Mark, Piece, cut, marks_of


@dataclass(frozen=True)
class Bubble:
    """One message. `role` as stored: customer | agent | robot | none; `rest` counts characters not shown."""

    message_id: int
    role: str
    who: str
    sent_at: datetime
    pieces: tuple[Piece, ...]
    tags: tuple[str, ...]
    in_group: bool
    typed: bool
    rest: int


@dataclass(frozen=True)
class Talk:
    """Part of a conversation, oldest first; `earlier` is the message to ask for what came before, or None."""

    bubbles: tuple[Bubble, ...]
    earlier: int | None


def read_talk(session: Session, customer_id: int, name: str, limit: int, before: int | None = None) -> Talk:
    """The last `limit` messages (those before message `before`). Two queries, three with `before`."""
    query = (
        select(Message, Agent)
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .where(Message.customer_id == customer_id)
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        edge = session.get(Message, before)
        if edge is None or edge.customer_id != customer_id:
            return Talk((), None)
        older = and_(Message.sent_at == edge.sent_at, Message.id < edge.id)
        query = query.where(or_(Message.sent_at < edge.sent_at, older))
    rows = session.execute(query).all()
    shown = list(reversed(rows[:limit]))
    noticed = _noticed(session, [message.id for message, _agent in shown])
    bubbles = tuple(_bubble(message, _who(message, agent, name), noticed) for message, agent in shown)
    return Talk(bubbles, shown[0][0].id if len(rows) > limit else None)


def _noticed(session: Session, message_ids: Sequence[int]) -> dict[int, list[Evidence]]:
    found: dict[int, list[Evidence]] = {}
    query = select(Evidence).where(Evidence.message_id.in_(message_ids)).order_by(Evidence.id)
    for row in session.scalars(query):
        if row.message_id is not None:  # the query says so
            found.setdefault(row.message_id, []).append(row)
    return found


def _who(message: Message, agent: Agent | None, customer: str) -> str:
    if message.role == "customer":
        return customer
    return agent.shown_name if message.role == "agent" and agent is not None else message.sender


def _progress(row: Evidence) -> str:
    """A rule that asks for several hits has not tagged yet: 1/3."""
    return f" {row.counted}/{row.needed}" if row.counted < row.needed else ""


def _count(row: Evidence) -> str:
    return f"；第 {row.counted} 次，共需 {row.needed} 次" if row.counted < row.needed else ""


def _bubble(message: Message, who: str, noticed: dict[int, list[Evidence]]) -> Bubble:
    evidence = noticed.get(message.id, [])
    marks: list[Mark] = []
    for row in evidence:
        marks += marks_of(row.spans, f"{row.rule_id}: {row.reason}" + _count(row))
    text = message.text or message.line
    return Bubble(
        message_id=message.id,
        role=message.role,
        who=who,
        sent_at=message.sent_at,
        pieces=cut(text, marks if message.text else []),
        tags=tuple(dict.fromkeys(f"{row.tag}{_progress(row)}" for row in evidence)),
        in_group=bool(message.roomid),
        typed=bool(message.text),
        rest=max(0, len(text) - LONGEST),
    )
