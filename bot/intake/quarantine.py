"""Quarantine: keeps rows that could not be read as they came, and tries them again on demand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.intake.decrypt import UnreadableRow, open_rows
from bot.intake.pipeline import process_batch
from bot.intake.repeated_messages import OTHER_WORDS
from bot.platform.database.store import insert_new
from bot.platform.log import get_logger
from bot.platform.models import Quarantine
from bot.wecom.archive import SealedRow

if TYPE_CHECKING:
    from bot.system import System

LARGEST_SEQ = 2**63 - 1  # that a database takes
_log = get_logger(__name__)


def replay_quarantine(system: System) -> tuple[int, int]:
    """Try the quarantined rows again, in the archive's order, after a key was added or a release can read more.

    Returns how many were released and how many are still held.
    """
    held_back = select(Quarantine.id).where(Quarantine.released_at.is_(None)).order_by(Quarantine.seq)
    with system.store.read() as session:
        ids = session.scalars(held_back).all()
    freed = sum(_release(system, row_id) for row_id in ids)
    return freed, len(ids) - freed


def _release(system: System, row_id: int) -> bool:
    """Process one quarantined row in a transaction of its own; True if it could be read."""
    with system.store.write() as session:
        row = session.get_one(Quarantine, row_id)
        row.attempts += 1  # committed before the work, which may break
        sealed = SealedRow(**row.sealed)
    opened, unopened = open_rows(system, [sealed])
    reason = unopened[0].reason if unopened else ""
    try:
        with system.work() as work:
            row = work.session.get_one(Quarantine, row_id)
            if unopened:
                row.reason = reason[:500]
                return False
            if process_batch(work, opened):
                row.reason = OTHER_WORDS
                return False
            row.released_at = work.now
    except Exception as error:  # this row stays quarantined, and the others get their turn
        _log.exception("quarantined row not freed", row_id=row_id)
        with system.store.write() as session:
            session.get_one(Quarantine, row_id).reason = f"{type(error).__name__}: {error}"[:500]
        return False
    return True


def quarantine_rows(session: Session, unopened: Sequence[UnreadableRow], now: datetime) -> None:
    """Keep rows that could not be read, or must not be believed; one that is kept already is passed over."""
    rows = [
        {
            "seq": min(item.row.seq, LARGEST_SEQ),
            "digest": digest_of(item.row),
            "msgid": item.row.msgid[:128],
            "publickey_ver": item.row.publickey_ver,
            "sealed": asdict(item.row),
            "reason": item.reason[:500],
            "attempts": 1,
            "created_at": now,
        }
        for item in unopened
    ]
    fresh = insert_new(session, Quarantine, rows, ["seq", "digest"])
    if fresh:
        _log.error("archive rows quarantined", rows=fresh, first=unopened[0].reason)


def digest_of(row: SealedRow) -> str:
    """What tells a row from another with the same seq."""
    return sha256(json.dumps(asdict(row), sort_keys=True).encode()).hexdigest()[:32]
