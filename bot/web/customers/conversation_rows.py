"""Rows of a conversation, of a customer or of a group chat: messages with their marked words and files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, and_, select, tuple_
from sqlalchemy.orm import Session

from bot.intake.media.files import files_of
from bot.platform.models import Agent, Customer, Evidence, MediaFile, Message
from bot.web.customers.highlight import LONGEST, Mark, TextPiece, cut, marks_of
from bot.web.customers.media_rows import FileView, file_view
from bot.web.layout.languages import translate, translate_stored
from bot.web.layout.template_filters import visible_text

_BEFORE, _AFTER = 6, 4  # messages around one that are shown with it


@dataclass(frozen=True)
class Bubble:
    """One message. `role` as stored: customer | agent | robot | none; `rest` counts characters not shown."""

    message_id: int
    role: str
    who: str
    sent_at: datetime
    pieces: tuple[TextPiece, ...]
    tags: tuple[str, ...]
    in_group: bool
    typed: bool
    rest: int
    revoked: bool = False
    unagreed: bool = False
    files: tuple[FileView, ...] = ()


@dataclass(frozen=True)
class _Names:
    """What people are called in this conversation: customers by their id, anybody by their WeCom id."""

    customers: Mapping[int, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conversation:
    """Part of a conversation, oldest first; `earlier` is the message to ask for what came before, or None."""

    bubbles: tuple[Bubble, ...]
    earlier: int | None


def read_conversation(
    session: Session, customer_id: int, name: str, limit: int, before: int | None = None
) -> Conversation:
    """The last `limit` messages of a customer (those before message `before`). Three queries, four with `before`."""
    return _read(session, Message.customer_id == customer_id, _Names({customer_id: name}), limit, before)


def read_conversation_until(
    session: Session, customer_id: int, name: str, limit: int, until: datetime
) -> Conversation:
    """The last messages of a customer up to a moment; nothing that was said later."""
    whose = and_(Message.customer_id == customer_id, Message.sent_at <= until)
    return _read(session, whose, _Names({customer_id: name}), limit, None)


def read_group_conversation(
    session: Session, roomid: str, names: Mapping[str, str], limit: int, before: int | None = None
) -> Conversation:
    """The last messages of a group chat; names: of its members by their WeCom id."""
    return _read(session, Message.roomid == roomid, _Names(members=names), limit, before)


def read_around(session: Session, message: Message, members: Mapping[str, str]) -> tuple[Bubble, ...]:
    """What was said shortly before and after a message, with it, in its group or its talk with one customer.

    members: what those of its group are called, by their WeCom id.
    """
    at, place = tuple_(Message.sent_at, Message.seq, Message.id), tuple_(message.sent_at, message.seq, message.id)
    talk: tuple[ColumnElement[bool], ...] = (
        Message.roomid == message.roomid,
        Message.unagreed.is_(False),
        Message.role != "none",
    )
    if not message.roomid:
        talk = (*talk, Message.customer_id == message.customer_id, Message.agent_id == message.agent_id)
    query = _said(and_(*talk))
    back = (Message.sent_at.desc(), Message.seq.desc(), Message.id.desc())
    earlier = session.execute(query.where(at <= place).order_by(*back).limit(_BEFORE + 1)).all()
    later = query.where(at > place).order_by(Message.sent_at, Message.seq, Message.id).limit(_AFTER)
    return _bubbles(session, [*reversed(earlier), *session.execute(later)], _Names(members=members))


def _read(
    session: Session, whose: ColumnElement[bool], names: _Names, limit: int, before: int | None
) -> Conversation:
    newest = (Message.sent_at.desc(), Message.seq.desc(), Message.id.desc())
    query = _said(whose).order_by(*newest).limit(limit + 1)
    if before is not None:
        edge = session.scalar(select(Message).where(Message.id == before, whose))
        if edge is None:
            return Conversation((), None)
        # Not by id: messages released from quarantine have a newer id than their place in the archive.
        query = query.where(
            tuple_(Message.sent_at, Message.seq, Message.id) < tuple_(edge.sent_at, edge.seq, edge.id)
        )
    rows = session.execute(query).all()
    shown = list(reversed(rows[:limit]))
    return Conversation(_bubbles(session, shown, names), shown[0][0].id if len(rows) > limit else None)


Spoken = Row[Message, Agent | None, Customer | None]


def _said(whose: ColumnElement[bool]) -> Select[Message, Agent, Customer]:
    return (
        select(Message, Agent, Customer)
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .outerjoin(Customer, Customer.id == Message.customer_id)
        .where(whose)
    )


def _bubbles(session: Session, rows: Sequence[Spoken], names: _Names) -> tuple[Bubble, ...]:
    ids = [message.id for message, _agent, _customer in rows]
    noticed, files = _noticed(session, ids), files_of(session, ids)
    return tuple(
        _bubble(message, _who(message, agent, customer, names), noticed, files) for message, agent, customer in rows
    )


def _noticed(session: Session, message_ids: Sequence[int]) -> dict[int, list[Evidence]]:
    found: dict[int, list[Evidence]] = {}
    heard = Evidence.message_id.in_(message_ids), Evidence.counted > 0  # what is only tried is no news of anybody
    query = select(Evidence).where(*heard).order_by(Evidence.id)
    for row in session.scalars(query):
        if row.message_id is not None:  # the query says so
            found.setdefault(row.message_id, []).append(row)
    return found


def _who(message: Message, agent: Agent | None, customer: Customer | None, names: _Names) -> str:
    if message.role == "customer":
        known = names.customers.get(message.customer_id or 0) or (customer.name if customer is not None else "")
        return known or names.members.get(message.sender, "")
    if message.role == "agent" and agent is not None:
        return agent.shown_name
    return names.members.get(message.sender) or message.sender


def _progress(row: Evidence) -> str:
    """A rule that asks for several hits has not tagged yet: 1/3."""
    return f" {row.counted}/{row.needed}" if row.counted < row.needed else ""


def _count(row: Evidence) -> str:
    return translate("；第 {n} 次，共需 {m} 次", n=row.counted, m=row.needed) if row.counted < row.needed else ""


def _bubble(
    message: Message,
    who: str,
    noticed: Mapping[int, list[Evidence]],
    files: Mapping[int, list[MediaFile]],
) -> Bubble:
    evidence = noticed.get(message.id, [])
    marks: list[Mark] = []
    for row in evidence:
        marks += marks_of(row.spans, f"{row.rule_id}: {translate_stored(row.reason)}" + _count(row))
    said = message.text or message.line
    text = visible_text(said)
    typed = bool(message.text) and text == said
    return Bubble(
        message_id=message.id,
        role=message.role,
        who=who,
        sent_at=message.sent_at,
        pieces=cut(text, marks if typed else []),
        tags=tuple(dict.fromkeys(f"{row.tag}{_progress(row)}" for row in evidence)),
        in_group=bool(message.roomid),
        typed=typed,
        rest=max(0, len(text) - LONGEST),
        revoked=message.revoked_at is not None,
        unagreed=message.unagreed,
        files=tuple(map(file_view, files.get(message.id, ()))),
    )
