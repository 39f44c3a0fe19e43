"""Outbox rows: which are due, the claim under a lease, and how a claim ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from bot.delivery.pauses import paused_until
from bot.platform.database.store import database_now
from bot.platform.models import Customer, Outbox

LEASE_SECONDS = 20  # with the sweep every 10 s, what a dead worker held is taken over within 30 s
_JUST_DUE = timedelta(seconds=3)  # the job that asks runs every second


def waiting_ids(session: Session, now: datetime, limit: int = 2000) -> list[int]:
    """The rows that should leave now: waiting and due, or claimed by a worker whose lease has run out."""
    abandoned = and_(Outbox.state == "sending", Outbox.lease_until < database_now(session))
    due = and_(Outbox.state == "waiting", Outbox.not_before <= now)
    query = select(Outbox.id).where(or_(due, abandoned)).order_by(Outbox.id).limit(limit)
    return list(session.scalars(query))


def just_due_ids(session: Session, now: datetime, limit: int = 500) -> list[int]:
    """The rows that were postponed until about now: they need not wait for the sweep."""
    just_now = and_(Outbox.not_before > now - _JUST_DUE, Outbox.not_before <= now)
    postponed = and_(Outbox.state == "waiting", just_now, Outbox.not_before > Outbox.created_at)
    return list(session.scalars(select(Outbox.id).where(postponed).order_by(Outbox.id).limit(limit)))


def claim(session: Session, row_id: int, owner: str, now: datetime) -> Outbox | None:
    """Take a row for this worker; None where another has it, its time has not come, or calls are paused.

    Leases are judged by the database's clock, since the clocks of two workers may differ. The UPDATE alone decides
    which of two workers gets the row.
    """
    present = database_now(session)
    row = session.get(Outbox, row_id)
    if row is None or row.state not in ("waiting", "sending"):
        return None
    if (until := paused_until(session, row.kind, now)) is not None:
        if row.state == "waiting":
            row.not_before = max(row.not_before, until)
        return None
    free = or_(
        and_(Outbox.state == "waiting", Outbox.not_before <= now),
        and_(Outbox.state == "sending", Outbox.lease_until < present),
    )
    claimed = session.execute(
        update(Outbox)
        .where(Outbox.id == row_id, free)
        .values(
            state="sending",
            lease_owner=owner,
            lease_until=present + timedelta(seconds=LEASE_SECONDS),
            attempts=Outbox.attempts + 1,
            first_tried_at=func.coalesce(Outbox.first_tried_at, now),
        )
        .execution_options(synchronize_session=False)
    )
    if not claimed.rowcount:  # type: ignore[attr-defined]
        return None
    return session.get_one(Outbox, row_id, populate_existing=True)


def is_busy(session: Session, row: Outbox) -> bool:
    """Whether another row of the same kind and customer is on its way: WeCom refuses concurrent writes (45035)."""
    if row.customer_id is None:
        return False
    # The customer's row is locked first: two claims side by side would otherwise not see each other.
    session.execute(select(Customer.id).where(Customer.id == row.customer_id).with_for_update())
    others = select(Outbox.id).where(
        Outbox.kind == row.kind,
        Outbox.customer_id == row.customer_id,
        Outbox.id != row.id,
        Outbox.state == "sending",
        Outbox.lease_until > database_now(session),
    )
    return session.scalar(others.limit(1)) is not None


def forget_try(row: Outbox, claimed_at: datetime) -> None:
    """Note that this claim led to no call, or to one that certainly had no effect."""
    if row.first_tried_at == claimed_at:
        row.first_tried_at = None


def postpone(row: Outbox, now: datetime, seconds: float, error: str | None = None) -> None:
    """Let go of a claimed row, to be tried again after so many seconds."""
    row.state, row.lease_until, row.lease_owner = "waiting", None, None
    row.not_before = now + timedelta(seconds=seconds)
    row.error = error[:500] if error else row.error


def close_row(
    row: Outbox, state: str, now: datetime, *, result: dict[str, Any] | None = None, error: str | None = None
) -> None:
    """End a row for good: sent | cancelled | failed | unknown."""
    row.state, row.done_at, row.lease_until = state, now, None
    row.result = result if result is not None else row.result
    row.error = error[:500] if error else None
