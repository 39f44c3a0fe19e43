"""Audit log of what people did and read: an append-only chain of rows, each keyed hash covering the one before."""

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
_LOCK = 7_301_941_012  # of PostgreSQL, held while the next row of the chain is written; SQLite has one writer anyway


def record(session: Session, actor: str, action: str, subject: str, now: datetime, **detail: Any) -> None:
    """Record what `actor` did, in the transaction that does it. Call it at the end: it locks the chain.

    action: an area and a verb, such as "stage.move" or "rules.save"; subject: such as "customer:17".
    detail must not name a person: the chain outlives their erasure (which blanks the details it finds).
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
    """Record that `actor` read a customer's conversation on this page."""
    session.add(ViewEntry(at=now, actor=actor, customer_id=customer_id, page=page))


def entry_hash(session: Session, entry: AuditEntry) -> str:
    """The value `hash` must have; it cannot be computed from the database without the keys."""
    facts = [entry.before, entry.at.timestamp(), entry.actor, entry.action, entry.subject, entry.detail_hash]
    return _digest(session, "audit", facts)


def verify_chain(session: Session) -> int | None:
    """The id of the first row that was altered, or is missing at the end; None where the whole chain is intact.

    A detail blanked by an erasure counts as intact: the chain covers the hash of it.
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
    """Add a keyed hash of the view entries since the last seal to the chain; returns how many it covers."""
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
    """The first range of view entries ("views:1-20") that was altered since it was sealed; None where none was.

    kept_since: entries before this moment may have been purged.
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
