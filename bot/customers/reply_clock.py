"""ReplyClock: keeps, for each agent and customer, since when the customer waits for an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.kept_clock import keep, kept, said_by
from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.database.among import among
from bot.platform.models import Agent, Follow, Message, SopTask
from bot.platform.work import Work
from sop.reply_clock import Wait, Word, advance, wait_of

_LOOKED_BACK = timedelta(days=60)  # so far back a conversation is read again


def customer_spoke(work: Work, state: CustomerState, agent: Agent | None, message: AnyMessage) -> None:
    """Start the clock of the agent who was asked; what is said in a group asks nobody."""
    follow = state.follow_of(agent) if agent is not None and not message.roomid else None
    if follow is not None:
        _move(work, [follow], Word(message.sent_at, message.msgid, said_by(work.settings, message)))


def agent_spoke(work: Work, state: CustomerState, message: AnyMessage, *, by_mass: bool) -> None:
    """Stop every clock of the customer: a colleague's answer is one as well; a mass message or a welcome is none."""
    if message.roomid:
        return
    said = said_by(work.settings, message, by_mass=by_mass)
    _move(work, state.follows, Word(message.sent_at, message.msgid, said))


def reread(work: Work, state: CustomerState) -> None:
    """Have the clocks of a customer told from the whole conversation, once all of the batch is stored."""
    if work.batch is not None:
        work.batch.unsettled.update({(one.agent_id, one.customer_id): one for one in state.follows if one.clock})


def settle(work: Work) -> None:
    """Tell the clocks that only the whole conversation can tell, by two queries for all of them."""
    unsettled: dict[tuple[int, int], Follow] = work.batch.unsettled if work.batch is not None else {}
    if not unsettled:
        return
    customers = {customer for _, customer in unsettled}
    messages = _messages(work.session, customers, work.now - _LOOKED_BACK)
    mass = _mass_messages(work.session, customers)
    for follow in unsettled.values():
        said = [one for one in messages if one.customer_id == follow.customer_id]
        _keep(follow, wait_of(_words(work.settings, follow, said, mass)))


def _words(settings: Settings, follow: Follow, messages: Iterable[Message], mass: frozenset[str]) -> Iterable[Word]:
    for message in messages:
        if message.role == "agent" or message.agent_id == follow.agent_id:
            yield Word(message.sent_at, message.msgid, said_by(settings, message, by_mass=message.msgid in mass))


def _messages(session: Session, customers: Iterable[int], since: datetime) -> Sequence[Message]:
    query = select(Message).where(
        among(Message.customer_id, sorted(customers)),
        Message.sent_at >= since,
        Message.action == "send",
        Message.roomid == "",
        Message.role.in_(("customer", "agent")),
        Message.unagreed.is_(False),
        Message.revoked_at.is_(None),
    )
    return session.scalars(query).all()


def _mass_messages(session: Session, customers: Iterable[int]) -> frozenset[str]:
    query = select(SopTask.sent_msgid).where(
        among(SopTask.customer_id, sorted(customers)),
        SopTask.outcome == "group-send",
        SopTask.sent_msgid.is_not(None),
    )
    return frozenset(msgid for msgid in session.scalars(query) if msgid is not None)


def _move(work: Work, follows: Iterable[Follow], word: Word) -> None:
    for follow in follows:
        wait = kept(follow)
        moved = advance(wait, word)
        if moved is None and work.batch is not None:
            work.batch.unsettled[follow.agent_id, follow.customer_id] = follow
        elif moved is not None and moved is not wait:
            _keep(follow, moved)


def _keep(follow: Follow, wait: Wait) -> None:
    """Keep a clock; of another wait nobody was told yet."""
    if keep(follow, wait):
        follow.waiting_told = {}
