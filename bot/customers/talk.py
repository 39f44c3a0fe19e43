"""Talk: messages of single chats, in the order they were sent, for those who look for what is owed in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState, latest
from bot.platform.config.settings import Settings
from bot.platform.database.among import among
from bot.platform.models import Message, SopTask
from taggers.spoken import is_welcome
from taggers.utterance import split_quote

_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of a single chat. text: what was typed, without what it quotes, or what its file is called."""

    at: datetime
    msgid: str
    id: int
    by: str
    agent_id: int | None
    kind: str
    text: str

    @property
    def point(self) -> tuple[datetime, str]:
        """Its place in the talk."""
        return self.at, self.msgid


def spoken(message: AnyMessage, agent_id: int | None) -> Spoken:
    """The message as it is looked at; agent_id: with whom of our people the chat is."""
    text = message.text
    if message.kind == "text":
        text = "\n".join(part.text for part in split_quote(text) if part.scope == "typed")
    return Spoken(message.sent_at, message.msgid, message.id, message.role, agent_id, message.kind, text)


def came_late(state: CustomerState, message: AnyMessage) -> bool:
    """Whether another message of the customer's talks was seen that was not sent before this one."""
    known = latest(state.customer.last_word_at, state.customer.said_to_at)
    return known is not None and message.sent_at <= known


def is_automatic(settings: Settings, message: AnyMessage, *, by_mass: bool) -> bool:
    """Whether nobody of our people wrote it: a mass message, or the welcome."""
    welcome = settings.tables.welcome
    return by_mass or is_welcome(welcome.say if welcome else None, message.text)


def read_talks(
    session: Session, settings: Settings, customers: Sequence[int], since: datetime
) -> dict[int, list[Spoken]]:
    """What was said in the single chats of these customers since then, by customer; two queries for 400 of them."""
    talks: dict[int, list[Spoken]] = {customer: [] for customer in customers}
    for start in range(0, len(customers), _AT_ONCE):
        some = customers[start : start + _AT_ONCE]
        mass = _mass_messages(session, some)
        for message in session.scalars(_messages(some, since)):
            agents = message.role == "agent"
            if not (agents and is_automatic(settings, message, by_mass=message.msgid in mass)):
                talks[message.customer_id or 0].append(spoken(message, message.agent_id))
    for talk in talks.values():
        talk.sort(key=lambda one: one.point)
    return talks


def _messages(customers: Iterable[int], since: datetime) -> Select[Message]:
    return select(Message).where(
        among(Message.customer_id, customers),
        Message.sent_at >= since,
        Message.action == "send",
        Message.roomid == "",
        Message.role.in_(("customer", "agent")),
        Message.unagreed.is_(False),
        Message.revoked_at.is_(None),
    )


def _mass_messages(session: Session, customers: Iterable[int]) -> frozenset[str | None]:
    sent = among(SopTask.customer_id, customers), SopTask.outcome == "group-send", SopTask.sent_msgid.is_not(None)
    return frozenset(session.scalars(select(SopTask.sent_msgid).where(*sent)))
