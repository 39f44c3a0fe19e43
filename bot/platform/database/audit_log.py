"""The log of what people did and read: an append-only chain of rows, each keyed hash covering the one before."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.platform.database.store import canonical_json, set_status
from bot.platform.encryption import keys_of
from bot.platform.models import AuditEntry, Status, ViewEntry

HEAD = "audit_head"
SEAL = "views.seal"
_FIRST = "0" * 64
_LOCK = 7_301_941_012  # PostgreSQL: who holds it writes the next row of the chain; SQLite has one writer anyway


def record(session: Session, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    """Write down what `actor` did, in the transaction in which it is done; do so at its end, others wait meanwhile.

    action: a verb with its room, such as "stage.move" or "rules.save"; subject: such as "customer:17".
    detail must not name a person: the chain outlives his erasure (what is found of him is blanked).
    """
    session.flush()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    newest = select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
    before = session.scalar(newest) or _FIRST
    entry = AuditEntry(at=now, actor=actor[:80], action=action, subject=subject[:120], detail=detail, before=before)
    entry.detail_hash = _detail_hash(session, detail)
    entry.hash = entry_hash(session, entry)
    session.add(entry)
    session.flush()
    set_status(session, HEAD, {"id": entry.id, "seal": _head_seal(session, entry)}, now)


def viewed(session: Session, actor: str, customer_id: int | None, page: str, now: datetime) -> None:
    """Write down that `actor` read a customer's conversation on this page."""
    session.add(ViewEntry(at=now, actor=actor, customer_id=customer_id, page=page))


def entry_hash(session: Session, entry: AuditEntry) -> str:
    """What the row's `hash` must be; nobody can make it who has the database but not the keys."""
    facts = [entry.before, entry.at.timestamp(), entry.actor, entry.action, entry.subject, entry.detail_hash]
    return _digest(session, "audit", facts)


def verify_chain(session: Session) -> int | None:
    """The id of the first row that does not fit, or that is missing at the end; None where the whole chain holds.

    A detail that was blanked when a person was erased fits: the chain covers its hash.
    """
    before, last = _FIRST, None
    query = select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)
    with closing(session.scalars(query)) as entries:
        for entry in entries:
            if entry.before != before or entry.hash != entry_hash(session, entry):
                return entry.id
            if entry.detail and entry.detail_hash != _detail_hash(session, entry.detail):
                return entry.id
            before, last = entry.hash, entry
    head = session.get(Status, HEAD)
    if last is None:
        return None if head is None else int(head.value["id"])
    if head is None or head.value != {"id": last.id, "seal": _head_seal(session, last)}:
        return last.id if head is None or head.value["id"] <= last.id else int(head.value["id"])
    return None


def seal_views(session: Session, now: datetime) -> int:
    """Put a keyed hash of the readings since the last time into the chain; returns how many readings it covers."""
    newest = select(AuditEntry.detail).where(AuditEntry.action == SEAL).order_by(AuditEntry.id.desc()).limit(1)
    known = session.scalar(newest)
    first = int(known["last"]) + 1 if known else 1
    last = session.scalar(select(func.max(ViewEntry.id)))
    if last is None or last < first:
        return 0
    count, digest = _views_digest(session, first, last)
    record(session, "system", SEAL, f"views:{first}-{last}", now, first=first, last=last, count=count, digest=digest)
    return count


def verify_views(session: Session, kept_since: datetime | None) -> str | None:
    """The first stretch of readings ("views:1-20") that was altered since it was sealed; None where all hold.

    kept_since: readings before this moment may have been purged.
    """
    seals = select(AuditEntry).where(AuditEntry.action == SEAL).order_by(AuditEntry.id)
    for entry in session.scalars(seals):
        if kept_since is not None and entry.at < kept_since:
            continue
        oldest = select(func.min(ViewEntry.at)).where(
            ViewEntry.id.between(entry.detail["first"], entry.detail["last"])
        )
        at = session.scalar(oldest)
        if kept_since is not None and (at is None or at < kept_since):
            continue
        found = _views_digest(session, entry.detail["first"], entry.detail["last"])
        if found != (entry.detail["count"], entry.detail["digest"]):
            return entry.subject
    return None


def _views_digest(session: Session, first: int, last: int) -> tuple[int, str]:
    query = select(ViewEntry).where(ViewEntry.id.between(first, last)).order_by(ViewEntry.id)
    count, chain = 0, _FIRST
    for view in session.scalars(query.execution_options(yield_per=1000)):
        facts = [chain, view.id, view.at.timestamp(), view.actor, view.customer_id, view.page]
        count, chain = count + 1, _digest(session, "views", facts)
    return count, chain


def _detail_hash(session: Session, detail: dict[str, Any]) -> str:
    return _digest(session, "audit detail", detail)


def _head_seal(session: Session, entry: AuditEntry) -> str:
    return _digest(session, "audit head", [entry.id, entry.hash])


def _digest(session: Session, purpose: str, facts: Any) -> str:
    return keys_of(session.get_bind().dialect).digest(purpose, canonical_json(facts)).hex()
