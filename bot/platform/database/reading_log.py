"""Log of readings: who read whose conversation on which page; sealed into the audit log hour by hour."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.database.audit_log import FIRST, keyed_hash, record
from bot.platform.models import AuditEntry, ViewEntry
from bot.platform.models.sealed import damage_tolerated

SEAL, PURGE = "views.seal", "views.purge"
SETTLED = timedelta(minutes=2)  # by then no transaction is open any more that holds a lower number
SEAL_EVERY = timedelta(hours=1)


def viewed(session: Session, actor: str, customer_id: int | None, page: str, now: datetime) -> None:
    """Record that `actor` read a customer's conversation on this page."""
    session.add(ViewEntry(at=now, actor=actor, customer_id=customer_id, page=page))


def viewed_all(session: Session, actor: str, customers: Iterable[int], page: str, now: datetime) -> None:
    """Record that `actor` read words of each of these customers on this page."""
    rows = [{"at": now, "actor": actor, "customer_id": one, "page": page} for one in sorted(set(customers))]
    session.add_all(ViewEntry(**row) for row in rows)


def seal_views(session: Session, now: datetime) -> int:
    """Add a keyed hash of the view entries since the last seal to the chain; returns how many it covers."""
    first, last = _sealed_to(session) + 1, _settled(session, now)
    if last < first:
        return 0
    found = _stretch(session, first, last)
    span = {"since": found.since, "until": found.until}
    facts = {"first": first, "last": last, "count": found.count, "digest": found.digest, **span}
    record(session, "system", SEAL, f"views:{first}-{last}", now, **facts)
    return found.count


def seal_views_hourly(session: Session, now: datetime) -> int:
    """The same, once an hour."""
    newest = select(AuditEntry.at).where(AuditEntry.action == SEAL).order_by(AuditEntry.id.desc()).limit(1)
    at = session.scalar(newest)
    return 0 if at is not None and at <= now < at + SEAL_EVERY else seal_views(session, now)


def record_purge(session: Session, before: datetime, now: datetime) -> None:
    """Write down, before they go, that entries older than this moment are purged: no others may be missing."""
    record(session, "system", PURGE, "views", now, before=before.timestamp())


def verify_views(session: Session, kept_since: datetime | None) -> str | None:
    """The first range of view entries ("views:1-20") that was altered or deleted since it was sealed, or None.

    Entries older than a purge that the log tells of may be missing. kept_since: what is older may be missing from
    ranges that were sealed by a release whose purges the log does not tell of.
    """
    purged = _purged_before(session)
    legacy = max(purged, kept_since.timestamp() if kept_since is not None else 0.0)
    seals = select(AuditEntry).where(AuditEntry.action == SEAL).order_by(AuditEntry.id)
    since = 0.0
    with damage_tolerated(), closing(session.scalars(seals.execution_options(yield_per=500))) as entries:
        for entry in entries:
            sealed = entry.detail
            if not sealed:  # an erasure blanks no seal: it names nobody
                return entry.subject
            oldest, gone = (sealed["since"], purged) if "since" in sealed else (since, legacy)
            since = entry.at.timestamp()
            if oldest >= gone and not _is_whole(session, sealed):
                return entry.subject
    return None


@dataclass(frozen=True)
class _Stretch:
    """View entries one after another: how many, their chain of hashes, the moments of the oldest and the newest."""

    count: int
    digest: str
    since: float
    until: float


def _is_whole(session: Session, sealed: dict[str, object]) -> bool:
    found = _stretch(session, int(str(sealed["first"])), int(str(sealed["last"])))
    return (found.count, found.digest) == (sealed["count"], sealed["digest"])


def _stretch(session: Session, first: int, last: int) -> _Stretch:
    query = select(ViewEntry).where(ViewEntry.id.between(first, last)).order_by(ViewEntry.id)
    count, chain, times = 0, FIRST, (0.0, 0.0)
    for view in session.scalars(query.execution_options(yield_per=1000)):
        at = view.at.timestamp()
        facts = [chain, view.id, at, view.actor, view.customer_id, view.page]
        times = (min(at, times[0]), max(at, times[1])) if count else (at, at)
        count, chain = count + 1, keyed_hash(session, "views", facts)
    return _Stretch(count, chain, *times)


def _sealed_to(session: Session) -> int:
    """The last id that a seal covers, by its subject ("views:1-20"): its detail may be damaged."""
    newest = select(AuditEntry.subject).where(AuditEntry.action == SEAL).order_by(AuditEntry.id.desc()).limit(1)
    return int((session.scalar(newest) or "0").rpartition("-")[2])


def _settled(session: Session, now: datetime) -> int:
    """The last id below which nothing can still appear: on PostgreSQL a lower one may be committed a little later."""
    fresh = session.scalar(select(func.min(ViewEntry.id)).where(ViewEntry.at.between(now - SETTLED, now + SETTLED)))
    if fresh is not None:
        return int(fresh) - 1
    return session.scalar(select(func.max(ViewEntry.id))) or 0


def _purged_before(session: Session) -> float:
    purges = select(AuditEntry.detail).where(AuditEntry.action == PURGE)
    with damage_tolerated():
        return max((float(one.get("before", 0.0)) for one in session.scalars(purges)), default=0.0)
