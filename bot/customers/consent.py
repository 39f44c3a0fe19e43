"""Consent: who lets his talks be archived, with whom, since when; and what that forbids.

WeCom archives nothing of a customer who must agree and has not, so that what the archive holds counts as agreed to
until a refusal is known. From the moment of the refusal on nothing is done with what he says: it is not tagged, moves
no card, fulfils and answers no task, and no SOP of that agent runs on or begins.
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
from bot.platform.database.store import insert_new
from bot.platform.models import Agent, Consent, GroupChat
from bot.platform.work import Work

Kind = Literal["agent", "room"]
Word = Literal["agreed", "refused"]
REFUSED = "客户不同意会话存档"
AGENT: Kind = "agent"
ROOM: Kind = "room"


@dataclass(frozen=True)
class Party:
    """Whose consent it is, and towards whom: an agent's key or a room's chat_id."""

    customer_id: int
    kind: Kind
    whom: str


@dataclass(frozen=True)
class ConsentStatus:
    """How it stands between a customer and an agent or a room, for pages. word: agreed | refused | unknown."""

    kind: Kind
    whom: str
    name: str
    word: str
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
        """Mind a row that has just been written."""
        self._rows[(row.customer_id, row.kind, row.whom)] = row


def may_process(row: Consent, at: datetime) -> bool:
    """What a consent says of a moment. A person's decision holds for all times."""
    if row.decided is not None:
        return row.decided == "agreed"
    if row.refused_at is None or row.refused_at > at:
        return True
    return row.agreed_at is not None and row.refused_at < row.agreed_at <= at


def read_consents(session: Session, customer_ids: Sequence[int]) -> Consents:
    """The consents of these customers."""
    rows: list[Consent] = []
    for start in range(0, len(customer_ids), 500):
        mine = Consent.customer_id.in_(customer_ids[start : start + 500])
        rows += session.scalars(select(Consent).where(mine))
    return Consents(rows)


def record_consent(session: Session, party: Party, word: Word, at: datetime, source: str) -> Consent:
    """Write down what the customer said, or what WeCom says he did, at that time."""
    row = _row(session, party)
    before = max(filter(None, (row.agreed_at, row.refused_at)), default=None)
    if word == "agreed":
        row.agreed_at = max(row.agreed_at, at) if row.agreed_at else at
    else:
        row.refused_at = max(row.refused_at, at) if row.refused_at else at
    if before is None or at >= before:
        row.source = source
    return row


def record_poll(work: Work, party: Party, word: Word, changed_at: datetime | None) -> Consent:
    """Write down WeCom's answer to a poll. Without a time of change only a word that differs from ours is news."""
    row = _row(work.session, party)
    row.checked_at = work.now
    known = "agreed" if _wecom_says(row, work.now) else "refused"
    if changed_at is not None and known != word:
        record_consent(work.session, party, word, min(changed_at, work.now), "poll")
        known = "agreed" if _wecom_says(row, work.now) else "refused"
    if known != word:
        record_consent(work.session, party, word, work.now, "poll")
    return row


def decide_consent(work: Work, party: Party, word: Word | None, actor: str) -> Consent:
    """A person's word, which goes before WeCom's until it is taken back (None); it is written into the audit log."""
    row = _row(work.session, party)
    before, row.decided = row.decided, word
    row.decided_by, row.decided_at = actor[:64], work.now
    detail = {"kind": party.kind, "whom": party.whom, "word": word, "before": before}
    audit_log.record(work.session, actor, "consent.decide", f"customer:{party.customer_id}", work.now, **detail)
    return row


def apply_consent(state: CustomerState, agent_id: int, word: Word) -> None:
    """Let what follows in this transaction know it."""
    (state.refused.discard if word == "agreed" else state.refused.add)(agent_id)


def consent_statuses(work: Work, customer_id: int) -> list[ConsentStatus]:
    """How it stands with everybody the customer talks to, for his page; agents first."""
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
    word = ("agreed" if may_process(row, now) else "refused") if known else "unknown"
    kind: Kind = "room" if row.kind == ROOM else "agent"
    if row.decided is not None:
        return ConsentStatus(kind, row.whom, name, word, row.decided_at, row.decided_by, by_hand=True)
    since = row.agreed_at if word == "agreed" else row.refused_at
    return ConsentStatus(kind, row.whom, name, word, since, row.source, by_hand=False)
