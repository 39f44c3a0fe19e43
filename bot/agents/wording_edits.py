"""Wording edits: reads from the archive how agents put a wording in their own words, with slots for names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.analytics.wording_uses import LOOKED_BACK
from bot.platform.config.settings import Settings
from bot.platform.config.wordings import Wording
from bot.platform.models import Agent, Customer, Follow, Message, SopEnrolment, SopTask, WordingOffer
from sop.wording import check_wording
from sop.wording_edits import EditCluster, ProposedEdit, SentEdit, cluster_edits, propose
from taggers.fold import fold
from taggers.reusable import Names, reusable

_MOST = 2_000
_KNOWN_SLOTS = frozenset(("customer.name", "agent.name"))
_SLOT = re.compile(r"\{([^{}|]*)")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|[零一二两三四五六七八九十百千万半]+")


@dataclass(frozen=True)
class WordingEdits:
    """How one text of a wording was sent otherwise. telling: whether edits could be shown without telling of anybody:
    not where it is filled with more than names."""

    clusters: list[EditCluster]
    proposed: ProposedEdit | None
    telling: bool = True


@dataclass(frozen=True, slots=True)
class _Sent:
    outcome: str
    customer: int
    agent: int
    judged: bool
    answered: bool
    msgid: str | None


def edits_of(session: Session, settings: Settings, wording: Wording, text: str, now: datetime) -> WordingEdits:
    """The edits of one text of a wording, clustered; six queries at most."""
    if not {name.strip() for name in _SLOT.findall(text)} <= _KNOWN_SLOTS:
        return WordingEdits([], None, telling=False)
    sent = list(_sent(session, wording, text, now))
    as_is = [one for one in sent if one.outcome == "exact" and one.judged]
    edits = _masked(session, settings, text, [one for one in sent if one.outcome == "edited"])
    clusters = cluster_edits(edits, settings.tables.suggestions.customers)
    return WordingEdits(clusters, propose(clusters, sum(one.answered for one in as_is), len(as_is)))


def _sent(session: Session, wording: Wording, text: str, now: datetime) -> Iterator[_Sent]:
    query = _steps(wording, text, now) if wording.kind == "step" else _offers(wording, text, now)
    for outcome, customer, agent, replied_at, over, msgid in session.execute(query.limit(_MOST)):
        judged = replied_at is not None or (over is not None and over < now)
        yield _Sent(outcome, customer, agent, judged, replied_at is not None, msgid)


def _offers(wording: Wording, text: str, now: datetime) -> Select[*tuple[Any, ...]]:
    row = WordingOffer
    columns = (row.outcome, row.customer_id, row.agent_id, row.replied_at, row.live_until, row.sent_msgid)
    mine = row.key == wording.key, row.wording == text, row.sent_at.is_not(None), row.offered_at > now - LOOKED_BACK
    return select(*columns).where(*mine).order_by(row.id.desc())


def _steps(wording: Wording, text: str, now: datetime) -> Select[*tuple[Any, ...]]:
    row, (sop, number) = SopTask, wording.where
    columns = (row.outcome, row.customer_id, row.agent_id, row.replied_at, row.window_until, row.sent_msgid)
    mine = (
        row.step == number,
        row.wording == text,
        row.outcome.in_(("exact", "edited")),
        row.due_at > now - LOOKED_BACK,
    )
    joined = select(*columns).join(SopEnrolment, SopEnrolment.id == row.enrolment_id)
    return joined.where(SopEnrolment.sop_id == sop, *mine).order_by(row.id.desc())


def _masked(session: Session, settings: Settings, text: str, edits: list[_Sent]) -> Iterator[SentEdit]:
    """The edits as they may be said to others; money and numbers only those that the wording itself names."""
    if not edits:
        return
    agents = {agent.id: agent.shown_name for agent in session.scalars(select(Agent))}
    own, everybody = names_of(session)
    secret = Names({*everybody, *(fold(name) for name in agents.values() if len(name) > 1)})
    numbers = set(_NUMBER.findall(text))
    said = _said(session, [one.msgid for one in edits if one.msgid])
    for one in edits:
        words = said.get(one.msgid or "", "")
        prices = settings.tables.suggestions.prices or set(_NUMBER.findall(words)) <= numbers
        agent = agents.get(one.agent, "")
        masked = reusable(words, own.get(one.customer, set()), {agent}, secret, prices=prices)
        if masked is not None and not check_wording(masked):
            yield SentEdit(masked, one.customer, agent, one.judged, one.answered)


def _said(session: Session, msgids: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(msgids), 400):
        some = Message.msgid.in_(msgids[start : start + 400]), Message.revoked_at.is_(None), Message.kind == "text"
        rows = session.execute(select(Message.msgid, Message.text).where(*some))
        found.update((row.msgid, row.text) for row in rows)
    return found


def names_of(session: Session) -> tuple[dict[int, set[str]], set[str]]:
    """The names of each customer, and of everybody, folded."""
    own: dict[int, set[str]] = {}
    people = select(Customer.id, Customer.name, Follow.remark).outerjoin(Follow, Follow.customer_id == Customer.id)
    for customer, name, remark in session.execute(people):
        own.setdefault(customer, set()).update(one for one in (name, remark) if one and len(one) > 1)
    return own, {fold(name) for names in own.values() for name in names}
