"""Wording offers: notes which words an agent was offered for a customer, for the archive to show what follows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.agents.own_wordings import own_book
from bot.agents.suggestions import Suggestion, suggest
from bot.customers.state import load_customers
from bot.platform.database.store import insert_new
from bot.platform.models import Agent, Customer, Follow, WordingOffer
from bot.platform.work import Work
from sop.quotes import along
from sop.wording_use import LIVE

UNIQUE = ("customer_id", "agent_id", "key", "after")
BESIDE, SEARCHED, KNOWN = "offered", "searched", "known"
_LONGEST_BESIDE = 160


def not_noted(
    work: Work, customer: Customer, agent: Agent, offers: Sequence[Suggestion]
) -> list[tuple[Suggestion, int]]:
    """Those of them that are no steps and were not offered within a day, with the last offer of each before; one
    query where there are any."""
    words = {offer.key: offer for offer in offers if offer.task is None}
    if not words:
        return []
    newest = (
        select(WordingOffer.key, func.max(WordingOffer.id), func.max(WordingOffer.offered_at))
        .where(
            WordingOffer.customer_id == customer.id,
            WordingOffer.agent_id == agent.id,
            WordingOffer.key.in_(words),
        )
        .group_by(WordingOffer.key)
    )
    before = {key: (row_id, at) for key, row_id, at in work.session.execute(newest)}
    live = {key for key, (_, at) in before.items() if at > work.now - LIVE}
    return [(offer, before.get(key, (0, None))[0]) for key, offer in words.items() if key not in live]


def note_offers(
    work: Work, customer: Customer, agent: Agent, fresh: Sequence[tuple[Suggestion, int]], by: str = BESIDE
) -> None:
    """Note what `not_noted` found; a second page that does so at once adds nothing."""
    rows = [
        {
            "customer_id": customer.id,
            "agent_id": agent.id,
            "key": offer.key,
            "by": by,
            "after": after,
            "wording": offer.wording,
            "text": offer.text,
            "offered_at": work.now,
            "live_until": work.now + LIVE,
        }
        for offer, after in fresh
    ]
    insert_new(work.session, WordingOffer, rows, UNIQUE)


def best_answers(work: Work, follows: Sequence[Follow]) -> dict[int, str]:
    """What each of these customers' agents may answer them now, by the follow's id, noted as offered; nothing where
    nothing fits. It stands in a message beside other things, so the longest words are cut."""
    found = {}
    books = {agent.id: own_book(work, agent) for agent in {one.agent for one in follows}}
    if not _has_any(work) and not any(book.entries for book in books.values()):
        return {}
    states = load_customers(work.session, [one.customer for one in follows])
    for one in follows:
        offers = suggest(work, states[one.customer_id], one.agent, own=books[one.agent_id])
        best = next((offer for offer in offers if offer.kind in ("answer", "own", "asked")), None)
        if best is not None:
            note_offers(work, one.customer, one.agent, not_noted(work, one.customer, one.agent, [best]))
            words = best.text if len(best.text) <= _LONGEST_BESIDE else f"{best.text[:_LONGEST_BESIDE]}…"
            found[one.id] = words + along(best.attach)
    return found


def _has_any(work: Work) -> bool:
    """Whether the company has answers or replies at all."""
    return bool(work.settings.tables.answers) or any(rule.reply for rule in work.settings.tables.rules)


def note_tap(work: Work, customer: Customer, agent: Agent, offer: Suggestion) -> None:
    """Note that the agent tapped "send" on these words, which they may have searched for."""
    note_offers(work, customer, agent, not_noted(work, customer, agent, [offer]), SEARCHED)
    row = _newest(work.session, customer, agent, offer.key)
    if row is not None:
        row.tapped_at = work.now


def _newest(session: Session, customer: Customer, agent: Agent, key: str) -> WordingOffer | None:
    mine = WordingOffer.customer_id == customer.id, WordingOffer.agent_id == agent.id, WordingOffer.key == key
    return session.scalars(select(WordingOffer).where(*mine).order_by(WordingOffer.id.desc()).limit(1)).first()
