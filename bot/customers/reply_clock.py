"""ReplyClock: keeps, for each agent and customer, since when the customer waits for an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Follow, Message, SopTask
from bot.platform.work import Work
from sop.playbook import Welcome
from sop.reply_clock import Point, Said, Wait, Word, advance, wait_of
from taggers.utterance import Utterance
from taggers.wants_answer import SILENT_KINDS, wants_answer

_BLANK = re.compile(r"\{[^{}]*\}")
_TELLING = 8  # characters by which a welcome is known
_LOOKED_BACK = timedelta(days=60)  # so far back a conversation is read again


def customer_spoke(work: Work, state: CustomerState, agent: Agent | None, message: AnyMessage) -> None:
    """Start the clock of the agent who was asked; what is said in a group asks nobody."""
    follow = state.follow_of(agent) if agent is not None and not message.roomid else None
    if follow is not None:
        _move(work, [follow], Word(message.sent_at, message.msgid, _asked(work.settings, message.kind, message.text)))


def agent_spoke(work: Work, state: CustomerState, message: AnyMessage, *, by_mass: bool) -> None:
    """Stop every clock of the customer: a colleague's answer is one as well; a mass message or a welcome is none."""
    if message.roomid:
        return
    said = _answered(work.settings, message.kind, message.text, by_mass)
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
        if message.role == "agent":
            said = _answered(settings, message.kind, message.text, message.msgid in mass)
            yield Word(message.sent_at, message.msgid, said)
        elif message.agent_id == follow.agent_id:
            yield Word(message.sent_at, message.msgid, _asked(settings, message.kind, message.text))


def _messages(session: Session, customers: Iterable[int], since: datetime) -> Sequence[Message]:
    query = select(Message).where(
        Message.customer_id.in_(sorted(customers)),
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
        SopTask.customer_id.in_(sorted(customers)), SopTask.outcome == "group-send", SopTask.sent_msgid.is_not(None)
    )
    return frozenset(msgid for msgid in session.scalars(query) if msgid is not None)


def _asked(settings: Settings, kind: str, text: str) -> Said:
    return "asked" if wants_answer(Utterance.typed(text, kind=kind), settings.closings) else "other"


def _answered(settings: Settings, kind: str, text: str, by_mass: bool) -> Said:
    automatic = by_mass or kind in SILENT_KINDS or is_welcome(settings.tables.welcome, text)
    return "other" if automatic else "answer"


def is_welcome(welcome: Welcome | None, text: str) -> bool:
    """Whether a text is the automatic welcome: it has the longest of its fixed pieces in it."""
    if welcome is None or not text:
        return False
    piece = max((one.strip() for one in _BLANK.split(welcome.say)), key=len)
    return len(piece) >= _TELLING and piece in text


def _move(work: Work, follows: Iterable[Follow], word: Word) -> None:
    for follow in follows:
        wait = wait_kept(follow)
        moved = advance(wait, word)
        if moved is None and work.batch is not None:
            work.batch.unsettled[follow.agent_id, follow.customer_id] = follow
        elif moved is not None and moved is not wait:
            _keep(follow, moved)


def wait_kept(follow: Follow) -> Wait:
    """The clock as it was kept."""
    kept = follow.clock or {}
    return Wait(*(_point(kept.get(name)) for name in ("first", "last", "answered")))


def _point(kept: Sequence[str] | None) -> Point | None:
    return (datetime.fromisoformat(kept[0]), kept[1]) if kept else None


def _keep(follow: Follow, wait: Wait) -> None:
    """Keep a clock; one that begins, ends or begins earlier is a wait of which nobody was told yet."""
    points = {"first": wait.first, "last": wait.last, "answered": wait.answered}
    follow.clock = {name: [point[0].isoformat(), point[1]] for name, point in points.items() if point is not None}
    if follow.waiting_since != wait.since:
        follow.waiting_since = wait.since
        follow.waiting_told = {}
        follow.waiting_look_at = wait.since
