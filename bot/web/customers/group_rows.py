"""Group chats as pages show them: which the visitor may see, who is in them, what was said last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from bot.platform.models import Agent, Customer, GroupChat, GroupMember
from bot.web.auth.access import visible_agent_ids
from bot.web.auth.visitor import Visitor
from bot.web.customers.conversation_rows import Conversation, read_group_conversation

PAGE = 50
_MESSAGES = 100


@dataclass(frozen=True)
class GroupRow:
    """A group in the list."""

    chat: GroupChat
    owner: str
    agents: int
    customers: int


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


def read_groups(session: Session, who: Visitor, offset: int = 0) -> tuple[tuple[GroupRow, ...], bool]:
    """A page of groups, those with the newest words first, and whether there are more; three queries."""
    newest = func.coalesce(GroupChat.last_word_at, GroupChat.first_seen_at)
    query = select(GroupChat).where(visible_groups(session, who)).order_by(newest.desc(), GroupChat.id.desc())
    found = session.scalars(query.offset(offset).limit(PAGE + 1)).all()
    chats = found[:PAGE]
    counts = _counts(session, [chat.id for chat in chats])
    owners = _agent_names(session, {chat.owner.casefold() for chat in chats})
    rows = tuple(
        GroupRow(
            chat,
            owners.get(chat.owner.casefold(), chat.owner),
            counts.get((chat.id, "agent"), 0),
            counts.get((chat.id, "customer"), 0),
        )
        for chat in chats
    )
    return rows, len(found) > PAGE


def read_group(session: Session, who: Visitor, group_id: int, before: int | None) -> GroupView | None:
    """One group, None where there is none that the visitor may see; eight queries at most."""
    chat = session.scalar(select(GroupChat).where(GroupChat.id == group_id, visible_groups(session, who)))
    if chat is None:
        return None
    query = (
        select(GroupMember, Agent, Customer)
        .outerjoin(Agent, (GroupMember.kind == "agent") & (Agent.key == GroupMember.person))
        .outerjoin(Customer, (GroupMember.kind == "customer") & (Customer.external_userid == GroupMember.person))
        .where(GroupMember.group_id == chat.id)
        .order_by(GroupMember.left_at.is_not(None), GroupMember.kind, GroupMember.id)
    )
    rows = session.execute(query).all()
    owner = chat.owner.casefold()
    members = tuple(_member(row, agent, customer, owner) for row, agent, customer in rows)
    names = {row.person: _name(row, agent, customer) for row, agent, customer in rows}
    talk = read_group_conversation(session, chat.chat_id, names, _MESSAGES, before)
    shown = names.get(owner) or _agent_names(session, {owner}).get(owner, chat.owner)
    return GroupView(chat, shown, members, talk)


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


def _agent_names(session: Session, keys: set[str]) -> dict[str, str]:
    rows = session.execute(select(Agent.key, Agent.name, Agent.userid).where(Agent.key.in_(keys)))
    return {key: name or userid for key, name, userid in rows}
