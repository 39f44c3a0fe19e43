"""Gateway: keeps WeCom's limits, holds calls that keep failing, and counts every call, across all processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from bot.platform import clock
from bot.platform.gateway.call_counts import CallCounts
from bot.platform.gateway.circuit_breakers import (
    breaker_names,
    claim_probe,
    concerns_the_call_alone,
    note_failure,
    note_success,
    open_breakers,
)
from bot.platform.gateway.quotas import spend
from bot.platform.log import get_logger
from bot.wecom.errors import CallHeldError, Remedy, WeComError
from bot.wecom.limits import Limit, group_of, limits_of

if TYPE_CHECKING:
    from bot.platform.database.store import Store

REFRESH_SECONDS = 1.0  # real time after which the breakers that other processes opened are read again
_log = get_logger(__name__)


@dataclass(frozen=True)
class _BreakerState:
    """A breaker as last read."""

    until: datetime | None
    why: str


class Gateway:
    """A CallGate for one secret of the corp (`purpose`), on the database that all processes share."""

    def __init__(self, store: Store, purpose: str, call_counts: CallCounts, day: tuple[Limit, ...] = ()) -> None:
        """day: the app's limits for all members together."""
        self._store, self._purpose, self._call_counts, self._day = store, purpose, call_counts, day
        self._lock = threading.Lock()
        self._breakers: dict[str, _BreakerState] = {}
        self._refreshed_at = float("-inf")

    def before(self, api: str, members: Sequence[str]) -> None:
        """See CallGate."""
        now = clock.now()
        try:
            self._check_breakers(api, now)
            self._check_limits(api, members, now)
        except CallHeldError:
            self._call_counts.count(api, "held", now)
            raise
        except SQLAlchemyError as error:
            _log.warning("calls held: the database does not answer", error=type(error).__name__)
            raise CallHeldError(
                None, "the database does not answer", Remedy("数据库没有应答", retry_after=5), api
            ) from None

    def after(self, api: str, error: WeComError | None) -> None:
        """See CallGate."""
        now = clock.now()
        outcome = "0" if error is None else "none" if error.errcode is None else str(error.errcode)
        self._call_counts.count(api, outcome, now)
        names = breaker_names(self._purpose, group_of(api), api)
        try:
            if error is None or concerns_the_call_alone(error):
                self._close_breakers(names, now)
            else:
                with self._store.write() as session:
                    note_failure(session, names, error, now)
                self._refresh(at_once=True)
        except SQLAlchemyError as trouble:
            _log.warning("outcome of a call not noted", error=type(trouble).__name__)

    def _check_breakers(self, api: str, now: datetime) -> None:
        self._refresh()
        for name in breaker_names(self._purpose, group_of(api), api):
            seen = self._breakers.get(name)
            if seen is None or seen.until is None:
                continue
            if seen.until <= now:
                with self._store.write() as session:
                    probing = claim_probe(session, name, now)
                if not probing:
                    self._refresh(at_once=True)
                seen = None if probing else self._breakers.get(name)
            if seen is not None and seen.until is not None:
                wait = max((seen.until - now).total_seconds(), 1.0)
                raise CallHeldError(None, "left alone for now", Remedy(seen.why, retry_after=wait), api)

    def _check_limits(self, api: str, members: Sequence[str], now: datetime) -> None:
        for limit in limits_of(api, "corp"):
            if wait := self._call_counts.seconds_to_wait(api, limit, now):
                raise CallHeldError(
                    None, "our own limit", Remedy("接口调用到了自定的上限，等窗口过去", retry_after=wait), api
                )
        limits = limits_of(api, "member")
        for member in members if limits else ():
            with self._store.write() as session:
                wait = spend(session, f"{api}:{self._purpose}:{member.casefold()}"[:128], limits, now)
            if wait:
                advice = "这位成员收到的应用消息到了上限，等窗口过去"
                raise CallHeldError(None, "the member's limit", Remedy(advice, retry_after=wait), api)
            self._check_day_limit(api, now)

    def _check_day_limit(self, api: str, now: datetime) -> None:
        """Keep the app's limit for all members; last, so that what a member's own limit holds does not use it up."""
        if not self._day:
            return
        with self._store.write() as session:
            wait = spend(session, f"{api}:{self._purpose}:*", self._day, now)
        if wait:
            advice = "应用一天能发的人次到了上限（WECOM_ACCOUNTS × 200），等窗口过去"
            raise CallHeldError(None, "the app's limit of a day", Remedy(advice, retry_after=wait), api)

    def _close_breakers(self, names: Sequence[str], now: datetime) -> None:
        closing = [name for name in names if name in self._breakers]
        if closing:
            with self._store.write() as session:
                note_success(session, closing, now)
            self._refresh(at_once=True)

    def _refresh(self, *, at_once: bool = False) -> None:
        """Read the breakers, unless they were read a moment ago."""
        with self._lock:
            if not at_once and time.monotonic() - self._refreshed_at < REFRESH_SECONDS:
                return
            self._refreshed_at = time.monotonic()
        with self._store.read() as session:
            rows = open_breakers(session).values()
            self._breakers = {row.name: _BreakerState(row.until, row.why) for row in rows}
