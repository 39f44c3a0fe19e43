"""Wording proof: the archive shows which offered words were sent, as they are or changed, and which were answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from bot.agents.wording_offers import KNOWN
from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.customers.talk import is_automatic
from bot.platform.database.among import among
from bot.platform.models import Agent, WordingOffer
from bot.platform.work import Work
from sop.answers import in_force
from sop.completion import bare, best_match
from sop.wording_use import LIVE

_CLOCKS_DIFFER = timedelta(minutes=5)  # ours tells when words were offered, WeCom's when they were sent
_AT_ONCE = 400


def hear_sent(work: Work, state: CustomerState, agent: Agent, message: AnyMessage, text: str) -> None:
    """Find the offer that an agent's words, which fulfil no step, come from; known answers need none."""
    if message.roomid or not text or is_automatic(work.settings, message, by_mass=False):
        return
    at = message.sent_at
    open_ones = [
        (offer, offer.text)
        for offer in _live(work, state)
        if offer.sent_at is None and offer.agent_id == agent.id
        if offer.offered_at - _CLOCKS_DIFFER <= at <= offer.live_until
    ]
    found = best_match(text, open_ones, work.settings.tables.completion)
    if found is not None:
        offer: WordingOffer = found.task
        offer.outcome, offer.similarity = found.match.outcome, round(found.match.similarity, 4)
        offer.sent_at, offer.sent_msgid, offer.live_until = at, message.msgid, at + LIVE
    else:
        _hear_known(work, state, agent, message, text)


def hear_reply(work: Work, state: CustomerState, message: AnyMessage) -> None:
    """A customer's words in a single chat answer what was sent to them within a day."""
    if message.roomid:
        return
    for offer in _live(work, state):
        sent_at = offer.sent_at if offer.replied_at is None else None
        if sent_at is not None and sent_at <= message.sent_at <= offer.live_until:
            offer.replied_at = message.sent_at


def withdraw_sent(work: Work, state: CustomerState, msgid: str) -> None:
    """What an agent took back was not sent."""
    for offer in _live(work, state):
        if offer.sent_msgid == msgid:
            offer.sent_at = offer.sent_msgid = offer.outcome = offer.similarity = None
            offer.replied_at, offer.live_until = None, offer.offered_at + LIVE


def _hear_known(work: Work, state: CustomerState, agent: Agent, message: AnyMessage, text: str) -> None:
    """Words of the knowledge base that were sent as they stand there, without being offered."""
    entry = work.settings.answers_by_words.get(bare(text))
    if entry is None or not in_force(entry, work.settings.calendar.local(message.sent_at).date()):
        return
    row = WordingOffer(
        customer_id=state.customer.id, agent_id=agent.id, key=f"answer:{entry.id}", by=KNOWN, after=-message.id,
        wording=entry.say, text=text, offered_at=message.sent_at, sent_at=message.sent_at, sent_msgid=message.msgid,
        outcome="exact", similarity=1.0, live_until=message.sent_at + LIVE,
    )  # fmt: skip
    work.session.add(row)
    _live(work, state).append(row)


def _live(work: Work, state: CustomerState) -> list[WordingOffer]:
    """What the customer's agents were offered or sent lately; read once for the customer and their fellows."""
    if state.offers is None:
        unread = [one for one in (*state.fellows.states.values(), state) if one.offers is None]
        found: dict[int, list[WordingOffer]] = {one.customer.id: [] for one in unread}
        for row in _unanswered(work, list(found)):
            found[row.customer_id].append(row)
        for one in unread:
            one.offers = found[one.customer.id]
    assert state.offers is not None
    return state.offers


def _unanswered(work: Work, customers: list[int]) -> Iterator[WordingOffer]:
    since = work.batch.since if work.batch is not None else work.now
    living = WordingOffer.replied_at.is_(None), WordingOffer.live_until >= since
    for start in range(0, len(customers), _AT_ONCE):
        some = among(WordingOffer.customer_id, customers[start : start + _AT_ONCE])
        yield from work.session.scalars(select(WordingOffer).where(some, *living).order_by(WordingOffer.id))
