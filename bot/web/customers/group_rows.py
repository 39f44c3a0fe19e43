"""Group chats as pages show them: which the visitor may see, who is in them, what was said last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.platform.models import Agent, Customer, GroupChat, GroupMember, Tagging
from bot.web.auth.access import visible_agent_ids
from bot.web.auth.visitor import Visitor
from bot.web.customers.conversation_rows import Conversation, read_group_conversation

PAGE = 50
_MESSAGES = 100
_LATELY = timedelta(days=7)
_TAGS = 3


@dataclass(frozen=True)
class GroupRow:
    """A group in the list. joined, left: who came and went within the last week; tags: its customers' commonest."""

    chat: GroupChat
    owner: str
    agents: int
    customers: int
    joined: int = 0
    left: int = 0
    tags: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class MemberView:
    """A member of a group; customer_id where they are a customer we know."""

    name: str
    kind: str
    joined_at: datetime | None
    left_at: datetime | None
    customer_id: int | None
    owner: bool


@dataclass(frozen=True)
class GroupView:
    """A group with its conversation; members who are there first, then those who left."""

    chat: GroupChat
    owner: str
    members: tuple[MemberView, ...]
    talk: Conversation


def visible_groups(session: Session, who: Visitor) -> ColumnElement[bool]:
    """A condition on GroupChat: those in which the visitor, or an agent they lead, is a member."""
    agents = visible_agent_ids(session, who)
    if agents is None:
        return true()
    keys = select(Agent.key).where(Agent.id.in_(agents))
    there = select(GroupMember.group_id).where(
        GroupMember.kind == "agent", GroupMember.person.in_(keys), GroupMember.left_at.is_(None)
    )
    return GroupChat.id.in_(there)


def read_groups(session: Session, who: Visitor, now: datetime, offset: int = 0) -> tuple[tuple[GroupRow, ...], bool]:
    """A page of groups, those with the newest words first, and whether there are more; six queries."""
    newest = func.coalesce(GroupChat.last_word_at, GroupChat.first_seen_at)
    query = select(GroupChat).where(visible_groups(session, who)).order_by(newest.desc(), GroupChat.id.desc())
    found = session.scalars(query.offset(offset).limit(PAGE + 1)).all()
    chats = found[:PAGE]
    ids = [chat.id for chat in chats]
    counts, tags = _counts(session, ids), _tags(session, ids)
    joined = _lately(session, ids, GroupMember.joined_at, now)
    left = _lately(session, ids, GroupMember.left_at, now)
    owners = _agent_names(session, {chat.owner.casefold() for chat in chats})
    rows = tuple(
        GroupRow(
            chat,
            owners.get(chat.owner.casefold(), chat.owner),
            counts.get((chat.id, "agent"), 0),
            counts.get((chat.id, "customer"), 0),
            joined.get(chat.id, 0),
            left.get(chat.id, 0),
            tuple(tags.get(chat.id, ())[:_TAGS]),
        )
        for chat in chats
    )
    return rows, len(found) > PAGE


def read_group(session: Session, who: Visitor, group_id: int, before: int | None) -> GroupView | None:
    """One group, None where there is none that the visitor may see; eight queries at most."""
    chat = session.scalar(select(GroupChat).where(GroupChat.id == group_id, visible_groups(session, who)))
    if chat is None:
        return None
    rows = _members(session, chat.id)
    owner = chat.owner.casefold()
    members = tuple(_member(row, agent, customer, owner) for row, agent, customer in rows)
    names = {row.person: _name(row, agent, customer) for row, agent, customer in rows}
    talk = read_group_conversation(session, chat.chat_id, names, _MESSAGES, before)
    shown = names.get(owner) or _agent_names(session, {owner}).get(owner, chat.owner)
    return GroupView(chat, shown, members, talk)


def group_names(session: Session, group_id: int) -> dict[str, str]:
    """What the members of a group are called, by their WeCom id."""
    return {row.person: _name(row, agent, customer) for row, agent, customer in _members(session, group_id)}


def _members(session: Session, group_id: int) -> Sequence[Row[GroupMember, Agent | None, Customer | None]]:
    query = (
        select(GroupMember, Agent, Customer)
        .outerjoin(Agent, (GroupMember.kind == "agent") & (Agent.key == GroupMember.person))
        .outerjoin(Customer, (GroupMember.kind == "customer") & (Customer.external_userid == GroupMember.person))
        .where(GroupMember.group_id == group_id)
        .order_by(GroupMember.left_at.is_not(None), GroupMember.kind, GroupMember.id)
    )
    return session.execute(query).all()


def _member(row: GroupMember, agent: Agent | None, customer: Customer | None, owner: str) -> MemberView:
    customer_id = customer.id if customer is not None else None
    return MemberView(
        _name(row, agent, customer), row.kind, row.joined_at, row.left_at, customer_id, row.person == owner
    )


def _name(row: GroupMember, agent: Agent | None, customer: Customer | None) -> str:
    if agent is not None:
        return agent.shown_name
    return (
        row.name or (customer.name if customer is not None else "") or ("" if row.kind == "customer" else row.person)
    )


def _counts(session: Session, group_ids: list[int]) -> dict[tuple[int, str], int]:
    query = (
        select(GroupMember.group_id, GroupMember.kind, func.count())
        .where(GroupMember.group_id.in_(group_ids), GroupMember.left_at.is_(None))
        .group_by(GroupMember.group_id, GroupMember.kind)
    )
    return {(group_id, kind): count for group_id, kind, count in session.execute(query)}


def _lately(
    session: Session, group_ids: list[int], at: InstrumentedAttribute[datetime | None], now: datetime
) -> dict[int, int]:
    """How many members came, or went, within the last week, by group."""
    query = select(GroupMember.group_id, func.count()).where(GroupMember.group_id.in_(group_ids), at > now - _LATELY)
    return dict(session.execute(query.group_by(GroupMember.group_id)).all())


def _tags(session: Session, group_ids: list[int]) -> dict[int, list[tuple[str, int]]]:
    """The tags that the customers in a group carry, the commonest first, by group."""
    count = func.count().label("count")
    query = (
        select(GroupMember.group_id, Tagging.tag, count)
        .join(Customer, (GroupMember.kind == "customer") & (Customer.external_userid == GroupMember.person))
        .join(Tagging, (Tagging.customer_id == Customer.id) & Tagging.removed_at.is_(None))
        .where(GroupMember.group_id.in_(group_ids), GroupMember.left_at.is_(None))
        .group_by(GroupMember.group_id, Tagging.tag)
        .order_by(count.desc(), Tagging.tag)
    )
    found: dict[int, list[tuple[str, int]]] = {}
    for group_id, tag, number in session.execute(query):
        found.setdefault(group_id, []).append((tag, number))
    return found


def _agent_names(session: Session, keys: set[str]) -> dict[str, str]:
    rows = session.execute(select(Agent.key, Agent.name, Agent.userid).where(Agent.key.in_(keys)))
    return {key: name or userid for key, name, userid in rows}
