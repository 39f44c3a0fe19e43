"""Consent: which customers agree to archiving, towards whom and since when, and what a refusal forbids.

WeCom archives nothing of a customer who must agree and has not, so what the archive holds counts as agreed to until
a refusal is known. From the moment of the refusal nothing is done with what the customer says: it is not tagged,
moves no card, fulfils and answers no task, and no SOP of that agent goes on or starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState
from bot.platform.database import audit_log as audit_log
from bot.platform.database.among import among
from bot.platform.database.store import insert_new
from bot.platform.models import Agent, Consent, GroupChat
from bot.platform.work import Work

PartyKind = Literal["agent", "room"]
ConsentAnswer = Literal["agreed", "refused"]
REFUSED = "客户不同意会话存档"
AGENT: PartyKind = "agent"
ROOM: PartyKind = "room"


@dataclass(frozen=True)
class Party:
    """Whose consent it is, and towards whom: an agent's key or a room's chat_id."""

    customer_id: int
    kind: PartyKind
    whom: str


@dataclass(frozen=True)
class ConsentStatus:
    """A customer's consent towards an agent or a room, for pages. answer: agreed | refused | unknown."""

    kind: PartyKind
    whom: str
    name: str
    answer: str
    since: datetime | None
    source: str  # message | event | poll | the person who decided
    by_hand: bool


class Consents:
    """What a batch's customers agreed to."""

    def __init__(self, rows: Iterable[Consent]) -> None:
        self._rows = {(row.customer_id, row.kind, row.whom): row for row in rows}

    def allow(self, party: Party, at: datetime) -> bool:
        """Whether what was said at that time may be processed."""
        row = self._rows.get((party.customer_id, party.kind, party.whom))
        return row is None or may_process(row, at)

    def learn(self, row: Consent) -> None:
        """Take in a row that has just been written."""
        self._rows[(row.customer_id, row.kind, row.whom)] = row


def may_process(row: Consent, at: datetime) -> bool:
    """Whether a consent allows processing what was said at a moment. A person's decision holds for all times."""
    if row.decided is not None:
        return row.decided == "agreed"
    if row.refused_at is None or row.refused_at > at:
        return True
    return row.agreed_at is not None and row.refused_at < row.agreed_at <= at


def read_consents(session: Session, customer_ids: Sequence[int]) -> Consents:
    """The consents of these customers."""
    return Consents(session.scalars(select(Consent).where(among(Consent.customer_id, customer_ids))).all())


def record_consent(session: Session, party: Party, answer: ConsentAnswer, at: datetime, source: str) -> Consent:
    """Record an answer the customer gave at that time, as they or WeCom told it."""
    row = _row(session, party)
    before = max(filter(None, (row.agreed_at, row.refused_at)), default=None)
    if answer == "agreed":
        row.agreed_at = max(row.agreed_at, at) if row.agreed_at else at
    else:
        row.refused_at = max(row.refused_at, at) if row.refused_at else at
    if before is None or at >= before:
        row.source = source
    return row


def record_poll(work: Work, party: Party, answer: ConsentAnswer, changed_at: datetime | None) -> Consent:
    """Record WeCom's reply to a poll. Without a time of change, only a reply that differs from ours counts."""
    row = _row(work.session, party)
    row.checked_at = work.now
    known = "agreed" if _wecom_says(row, work.now) else "refused"
    if changed_at is not None and known != answer:
        record_consent(work.session, party, answer, min(changed_at, work.now), "poll")
        known = "agreed" if _wecom_says(row, work.now) else "refused"
    if known != answer:
        record_consent(work.session, party, answer, work.now, "poll")
    return row


def decide_consent(work: Work, party: Party, answer: ConsentAnswer | None, actor: str) -> Consent:
    """Record a person's decision, which overrides WeCom until it is withdrawn (None), also in the audit log."""
    row = _row(work.session, party)
    before, row.decided = row.decided, answer
    row.decided_by, row.decided_at = actor[:64], work.now
    detail = {"kind": party.kind, "whom": party.whom, "word": answer, "before": before}
    audit_log.record(work.session, actor, "consent.decide", f"customer:{party.customer_id}", work.now, **detail)
    return row


def apply_consent(state: CustomerState, agent_id: int, answer: ConsentAnswer) -> None:
    """Make the answer count for what follows in this transaction."""
    (state.refused.discard if answer == "agreed" else state.refused.add)(agent_id)


def consent_statuses(work: Work, customer_id: int) -> list[ConsentStatus]:
    """The consent towards everybody the customer talks to, for the customer's page; agents first."""
    rows = work.session.scalars(select(Consent).where(Consent.customer_id == customer_id).order_by(Consent.id)).all()
    whom = [row.whom for row in rows]
    agents = select(Agent.key, Agent.name).where(Agent.key.in_(whom))
    rooms = select(GroupChat.chat_id, GroupChat.name).where(GroupChat.chat_id.in_(whom))
    names: dict[str, str] = {key: name for query in (agents, rooms) for key, name in work.session.execute(query)}
    return sorted((_status(row, names.get(row.whom, ""), work.now) for row in rows), key=lambda s: (s.kind, s.whom))


def _row(session: Session, party: Party) -> Consent:
    key = {"customer_id": party.customer_id, "kind": party.kind, "whom": party.whom[:64]}
    insert_new(session, Consent, [{**key, "source": "", "decided_by": ""}], list(key))
    return session.scalars(select(Consent).filter_by(**key)).one()


def _wecom_says(row: Consent, at: datetime) -> bool:
    if row.refused_at is None or row.refused_at > at:
        return True
    return row.agreed_at is not None and row.agreed_at > row.refused_at


def _status(row: Consent, name: str, now: datetime) -> ConsentStatus:
    known = row.decided or row.agreed_at or row.refused_at or row.checked_at
    answer = ("agreed" if may_process(row, now) else "refused") if known else "unknown"
    kind: PartyKind = "room" if row.kind == ROOM else "agent"
    if row.decided is not None:
        return ConsentStatus(kind, row.whom, name, answer, row.decided_at, row.decided_by, by_hand=True)
    since = row.agreed_at if answer == "agreed" else row.refused_at
    return ConsentStatus(kind, row.whom, name, answer, since, row.source, by_hand=False)
