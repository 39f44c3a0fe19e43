"""CallCounts: calls to WeCom by API and outcome, counted in the process and kept in the database by the minute."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.platform.log import get_logger
from bot.platform.models import ApiCalls
from bot.wecom.limits import Limit

if TYPE_CHECKING:
    from bot.platform.database.store import Store

FLUSH_SECONDS = 2.0
_KEPT = timedelta(hours=2)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_log = get_logger(__name__)


class CallCounts:
    """The counts of this process, written to the database every two seconds, and the sums of all processes."""

    def __init__(self, store: Store) -> None:
        self._store, self._lock = store, threading.Lock()
        self._mine: Counter[tuple[str, str, datetime]] = Counter()
        self._all: dict[str, Counter[datetime]] = {}
        self._flushed_at = float("-inf")

    def count(self, api: str, outcome: str, now: datetime) -> None:
        """Count one call. outcome: its errcode, "none" without a readable answer, "held" where it was not made."""
        with self._lock:
            self._mine[api[:64], outcome[:16], now.replace(second=0, microsecond=0)] += 1
        self.flush(now)

    def flush(self, now: datetime, *, at_once: bool = False) -> None:
        """Write the counts and read the sums of all processes; if the database fails, keep them for the next time."""
        with self._lock:
            if not at_once and time.monotonic() - self._flushed_at < FLUSH_SECONDS:
                return
            self._flushed_at = time.monotonic()
            taken, self._mine = self._mine, Counter()
        try:
            with self._store.write() as session:
                _add(session, taken)
                known = _sums(session, now - timedelta(minutes=61))
        except SQLAlchemyError as error:
            _log.warning("calls not counted yet", error=type(error).__name__)
            with self._lock:
                self._mine.update(taken)
            return
        with self._lock:
            self._all = known

    def seconds_to_wait(self, api: str, limit: Limit, now: datetime) -> float:
        """Seconds until one more call keeps the limit, as far as this process knows the others' calls; 0: now."""
        minute = now.replace(second=0, microsecond=0)
        with self._lock:
            counts = Counter(self._all.get(api, Counter()))
            counts.update(
                {at: n for (name, outcome, at), n in self._mine.items() if name == api and outcome != "held"}
            )
        if limit.seconds == 60:  # the previous minute counts by the share of it that a sliding window still covers
            passed = (now - minute).total_seconds()
            used = counts[minute] + counts[minute - timedelta(minutes=1)] * (1 - passed / 60)
            return 0.0 if used < limit.most else 61.0 - passed
        since = now - timedelta(seconds=limit.seconds)
        return 0.0 if sum(n for at, n in counts.items() if at > since) < limit.most else 60.0


def totals(session: Session) -> list[tuple[str, str, int]]:
    """(api, outcome, calls) since this database was created."""
    summed = func.sum(ApiCalls.calls)
    rows = session.execute(select(ApiCalls.api, ApiCalls.errcode, summed).group_by(ApiCalls.api, ApiCalls.errcode))
    return [(api, errcode, int(calls)) for api, errcode, calls in rows]


def fold(session: Session, now: datetime) -> None:
    """Add up minutes older than two hours in one row each, so that the table stays small and the totals right."""
    past = (ApiCalls.minute > _LONG_AGO) & (ApiCalls.minute < now - _KEPT)
    gone = session.execute(delete(ApiCalls).where(past).returning(ApiCalls.api, ApiCalls.errcode, ApiCalls.calls))
    old: Counter[tuple[str, str, datetime]] = Counter()
    for api, errcode, calls in gone:
        old[api, errcode, _LONG_AGO] += calls
    _add(session, old)


def _add(session: Session, counts: Counter[tuple[str, str, datetime]]) -> None:
    if not counts:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    rows = [
        {"api": api, "errcode": outcome, "minute": minute, "calls": calls}
        for (api, outcome, minute), calls in sorted(counts.items())  # one order for all writers: no deadlock
    ]
    insert = dialect.insert(ApiCalls).values(rows)
    session.execute(
        insert.on_conflict_do_update(
            index_elements=["api", "errcode", "minute"], set_={"calls": ApiCalls.calls + insert.excluded.calls}
        )
    )


def _sums(session: Session, since: datetime) -> dict[str, Counter[datetime]]:
    found: dict[str, Counter[datetime]] = {}
    summed = func.sum(ApiCalls.calls)
    query = select(ApiCalls.api, ApiCalls.minute, summed).where(ApiCalls.minute >= since, ApiCalls.errcode != "held")
    for api, minute, calls in session.execute(query.group_by(ApiCalls.api, ApiCalls.minute)):
        found.setdefault(api, Counter())[minute] = int(calls)
    return found
