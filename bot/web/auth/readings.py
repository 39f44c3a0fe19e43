"""Notes in the log of readings whose words a visitor is shown; the same reading is noted once for a while."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.reading_log import viewed_all
from bot.platform.models import ViewEntry
from bot.system import System

READ_ON = timedelta(minutes=10)  # reading on within this time is the same reading
AT_A_GLANCE = timedelta(hours=12)  # of pages that show a line of each of many customers, and renew themselves


def note_readings(
    system: System, actor: str, customers: Iterable[int], page: str, now: datetime, every: timedelta = READ_ON
) -> None:
    """Note, before they are shown, that `actor` reads words of these customers on this page."""
    wanted = set(customers)
    if not wanted:
        return
    with system.store.read() as session:
        unnoted = wanted - _noted(session, actor, page, now - every)
    if unnoted:
        with system.store.write() as session:
            viewed_all(session, actor, unnoted, page, now)


def _noted(session: Session, actor: str, page: str, since: datetime) -> set[int | None]:
    same = (ViewEntry.actor == actor, ViewEntry.page == page, ViewEntry.at > since)
    return set(session.scalars(select(ViewEntry.customer_id).where(*same)))
