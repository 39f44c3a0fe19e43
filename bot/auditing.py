"""The log of what people did and read: an append-only chain of rows, each hash covering the one before."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models import AuditEntry, ViewEntry
from bot.store import canonical_json

_FIRST = "0" * 64


def record(session: Session, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    """Write down what `actor` did, in the transaction in which it is done.

    action: a verb with its room, such as "stage.move" or "rules.save"; subject: such as "customer:17".
    """
    session.flush()
    newest = select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    before = session.scalar(newest) or _FIRST
    entry = AuditEntry(at=now, actor=actor, action=action, subject=subject, detail=detail, before=before, hash="")
    entry.hash = entry_hash(entry)
    session.add(entry)


def viewed(session: Session, actor: str, customer_id: int | None, page: str, now: datetime) -> None:
    """Write down that `actor` read a customer's conversation on this page."""
    session.add(ViewEntry(at=now, actor=actor, customer_id=customer_id, page=page))


def entry_hash(entry: AuditEntry) -> str:
    """What the row's `hash` must be."""
    facts = [entry.before, entry.at.timestamp(), entry.actor, entry.action, entry.subject, entry.detail]
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def verify_chain(session: Session) -> int | None:
    """The id of the first row that does not fit the one before it; None where the whole chain holds."""
    before = _FIRST
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)):
        if entry.before != before or entry.hash != entry_hash(entry):
            return entry.id
        before = entry.hash
    return None
