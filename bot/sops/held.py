"""Held SOPs: which are paused altogether, and when a backup was restored, read once per piece of work."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Status

HELD, RESTORED = "held_sops", "restored"
"""Status rows. held_sops: {sop_id: {since, by}}. restored: its "at" is the moment before which nothing is due."""
_KEPT = "sop_statuses"


def held_sops(session: Session) -> dict[str, Any]:
    """Since when and by whom SOPs are held, by id."""
    return _statuses(session).get(HELD, {})


def restored_at(session: Session) -> datetime | None:
    """When a backup was last restored."""
    restored = _statuses(session).get(RESTORED)
    return None if restored is None else datetime.fromisoformat(restored["at"])


def _statuses(session: Session) -> dict[str, dict[str, Any]]:
    if _KEPT not in session.info:
        with session.no_autoflush:
            rows = session.scalars(select(Status).where(Status.name.in_((HELD, RESTORED))))
            session.info[_KEPT] = {row.name: dict(row.value) for row in rows}
    found: dict[str, dict[str, Any]] = session.info[_KEPT]
    return found
