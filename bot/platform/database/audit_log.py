"""Audit log of what people did: an append-only chain of rows, each keyed hash covering the one before."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.platform.database.audit_heads import Head, HeadsAlteredError, heads_of, keep_head
from bot.platform.database.store import canonical_json, set_status
from bot.platform.encryption import keys_of
from bot.platform.models import AuditEntry, Status
from bot.platform.models.sealed import DamagedJson, damage_tolerated
from taggers.translatable import Translatable

HEAD = "audit_head"
FIRST = "0" * 64
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
    before = session.scalar(newest) or FIRST
    entry = AuditEntry(at=now, actor=actor[:80], action=action, subject=subject[:120], detail=detail, before=before)
    entry.detail_hash = _detail_hash(session, detail)
    entry.hash = entry_hash(session, entry)
    session.add(entry)
    session.flush()
    noted = heads_of(session.get_bind().dialect) is not None
    set_status(session, HEAD, _head_value(session, entry, noted=noted), now)
    keep_head(session.info, Head(entry.id, entry.hash))


def entry_hash(session: Session, entry: AuditEntry) -> str:
    """The value `hash` must have; it cannot be computed from the database without the keys."""
    facts = [entry.before, entry.at.timestamp(), entry.actor, entry.action, entry.subject, entry.detail_hash]
    return keyed_hash(session, "audit", facts)


def verify_log(session: Session) -> Translatable | None:
    """What is wrong with the log, in words: altered, cut, emptied or put back; None where it is whole."""
    fault = verify_heads(session)
    if fault is not None:
        return fault
    entry = verify_chain(session)
    if entry is None:
        return None
    return Translatable("操作日志从 {n} 号起对不上：有人改过或删过记录，请立刻与备份核对", n=entry)


def verify_heads(session: Session) -> Translatable | None:
    """What is wrong between the log and the heads noted beside the database; reads two rows only."""
    heads = heads_of(session.get_bind().dialect)
    if heads is None:
        return None
    try:
        newest = heads.newest()
    except HeadsAlteredError:
        return Translatable("操作日志：{file} 里有被改动过的行，请立刻与备份核对", file=heads.path.name)
    if newest is None:
        status = session.get(Status, HEAD)
        if status is not None and status.value.get("noted"):
            return Translatable(
                "操作日志：{file} 不见了或被清空，日志有没有被截短已无从核对，请从备份放回它", file=heads.path.name
            )
    elif newest.id and session.scalar(select(AuditEntry.hash).where(AuditEntry.id == newest.id)) != newest.hash:
        return Translatable(
            "操作日志被清空、截短或换成了旧的：记下过 {n} 号，数据库里没有，请立刻与备份核对", n=newest.id
        )
    return None


def verify_chain(session: Session) -> int | None:
    """The id of the first row that was altered, or is missing at the end; None where the whole chain is intact.

    A detail blanked by an erasure counts as intact: the chain covers the hash of it.
    """
    before, last = FIRST, None
    query = select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)
    with damage_tolerated(), closing(session.scalars(query)) as entries:
        for entry in entries:
            if entry.before != before or entry.hash != entry_hash(session, entry):
                return entry.id
            if isinstance(entry.detail, DamagedJson):
                return entry.id
            if entry.detail and entry.detail_hash != _detail_hash(session, entry.detail):
                return entry.id
            before, last = entry.hash, entry
    head = session.get(Status, HEAD)
    if last is None:
        return None if head is None else int(head.value["id"])
    if head is None or head.value != _head_value(session, last, noted=bool(head.value.get("noted"))):
        return last.id if head is None or head.value["id"] <= last.id else int(head.value["id"])
    return None


def newest_head(session: Session) -> Head:
    """The head of the log as it is; of an empty one, row 0."""
    row = session.execute(select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)).first()
    return Head(row.id, row.hash) if row is not None else Head(0, FIRST)


def keyed_hash(session: Session, purpose: str, facts: Any) -> str:
    """A hash of these facts that nobody makes without the keys."""
    return keys_of(session.get_bind().dialect).digest(purpose, canonical_json(facts)).hex()


def _detail_hash(session: Session, detail: dict[str, Any]) -> str:
    return keyed_hash(session, "audit detail", detail)


def _head_value(session: Session, entry: AuditEntry, *, noted: bool) -> dict[str, Any]:
    """As the database knows its newest row. noted: whether a file beside it was told, and must be there."""
    facts = [entry.id, entry.hash]
    if not noted:
        return {"id": entry.id, "seal": keyed_hash(session, "audit head", facts)}
    return {"id": entry.id, "noted": True, "seal": keyed_hash(session, "audit head", [*facts, "noted"])}
