"""Outbox: claims a row, calls WeCom outside any transaction, records the result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rq.timeouts import BaseTimeoutException

from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.delivery.pauses import APP_WIDE_ERRCODES, PAUSE, PAUSE_SECONDS, pause
from bot.delivery.rows import LEASE_SECONDS, claim, close_row, forget_try, is_busy, postpone
from bot.platform import clock
from bot.platform.database.store import canonical_json
from bot.platform.failpoints import failpoint
from bot.platform.log import get_logger
from bot.platform.models import Outbox, SopTask
from bot.platform.pilot import is_withheld
from bot.platform.surroundings import is_of_surroundings
from bot.platform.work import Work
from bot.wecom.connection import no_call_after
from bot.wecom.errors import CallHeldError, WeComError
from sop.pilot import WITHHELD

if TYPE_CHECKING:
    from bot.system import System

GIVE_UP_AFTER = timedelta(days=1)  # WeCom may be away for hours; a deadline of its own ends a row sooner
LONGEST_BACKOFF = 600.0
CRASHED, CRASH_TRIES = "程序出错", 5
RATE_LIMIT_ERRCODES = frozenset({45009})  # not this call alone but all of its kind must wait
# WeCom itself drops a repeated, equal message only within this time of the first (duplicate_check_interval, 4 h at
# most); a margin is kept for the way there.
DUPLICATE_CHECK = timedelta(hours=3, minutes=50)
_log = get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """Delivers outbox rows; `handlers` has the handler of each kind of row."""

    system: System
    handlers: Mapping[str, OutboxHandler]

    def deliver(self, row_id: int) -> str | None:
        """Deliver one row; returns its state afterwards, None where it could not be claimed."""
        try:
            return self._deliver(row_id)
        except BaseTimeoutException:
            raise
        except Exception as error:
            if is_of_surroundings(error, self.system.store) and not isinstance(error, WeComError):
                raise  # no fault of the row: the sweep brings it back for as long as it takes
            _log.exception("row stumbled over", row=row_id)
            return self._record_crash(row_id, f"{CRASHED}：{type(error).__name__}: {error}"[:300])

    def _deliver(self, row_id: int) -> str | None:
        system, now, begun = self.system, clock.now(), time.monotonic()
        with system.work(now) as work:
            row = claim(work.session, row_id, system.owner, now)
            if row is None:
                return None
            handler = self.handlers[row.kind]
            ready = self._prepare(work, row)
            row.payload = _canonical(row.payload)
            payload, attempt = row.payload, row.attempts
        failpoint("claimed")
        if not ready:
            return row.state
        try:
            with no_call_after(begun + LEASE_SECONDS):
                result = handler.call(system, payload)
        except WeComError as error:
            return self._record_failure(row_id, attempt, now, error)
        failpoint("sent")
        with system.work(point="recorded") as work:
            row = work.session.get_one(Outbox, row_id)
            if row.attempts != attempt:  # our lease ran out and another worker took over: its result counts
                return row.state
            handler.record(work, row, result)
            close_row(row, "sent", work.now, result=handler.keep(result))
            handler.conclude(work, system, row, result)
        return "sent"

    def _prepare(self, work: Work, row: Outbox) -> bool:
        """Fill in what is to be sent; False where the row is closed or postponed without a call."""
        handler, now = self.handlers[row.kind], work.now
        unsure = row.first_tried_at is not None and row.first_tried_at < now
        if is_withheld(work, row):
            close_row(row, "cancelled", now, error=WITHHELD)
            self._fail(work, row, "cancelled", WITHHELD)
            return False
        if row.deadline is not None and row.deadline <= now and unsure:
            close_row(row, "unknown", now, error="上次发送中断，不知是否已送达；时限已过，不再发送")
            self._fail(work, row, "unknown", "上次发送中断，不知员工是否已收到")
            return False
        if row.deadline is not None and row.deadline <= now:
            close_row(row, "failed", now, error="超过了时限，没有发出")
            self._fail(work, row, "expired", "超过了时限，没有发出")
            return False
        if unsure and handler.repeats_show and row.first_tried_at and now - row.first_tried_at > DUPLICATE_CHECK:
            close_row(row, "unknown", now, error="上次发送中断，不知是否已送达；为免重复不再发送")
            self._fail(work, row, "unknown", "上次发送中断，不知员工是否已收到")
            return False
        if handler.one_at_a_time and is_busy(work.session, row):
            forget_try(row, now)
            postpone(row, now, 1.0)
            return False
        try:
            row.payload = handler.prepare(work, self.system, row)
        except NotNeededError as skipped:
            close_row(row, "cancelled", now, error=str(skipped))
            return False
        except PostponedError as postponed:
            forget_try(row, now)
            postpone(row, now, postponed.seconds)
            return False
        return True

    def _record_failure(self, row_id: int, attempt: int, claimed_at: datetime, error: WeComError) -> str:
        with self.system.work() as work:
            now, row = work.now, work.session.get_one(Outbox, row_id)
            if row.attempts != attempt:  # another worker took over
                return row.state
            handler = self.handlers[row.kind]
            if error.errcode in handler.counts_as_sent and attempt > 1:
                handler.record(work, row, {})
                close_row(row, "sent", now, result={"errcode": error.errcode})
                return row.state
            handler.learn(work, row, error)
            if not error.unsure:
                forget_try(row, claimed_at)
            if isinstance(error, CallHeldError):
                row.attempts -= 1  # no call was made
                postpone(row, now, error.retry_after or 1.0)
                return row.state
            self._pause_retry_or_fail(work, row, error)
            _log.warning("not delivered", kind=row.kind, row=row.id, errcode=error.errcode, state=row.state)
            return row.state

    def _pause_retry_or_fail(self, work: Work, row: Outbox, error: WeComError) -> None:
        session, now = work.session, work.now
        if error.pause:
            scope = PAUSE if error.errcode in APP_WIDE_ERRCODES else f"{PAUSE}:{row.kind}"
            pause(session, scope, error, now, PAUSE_SECONDS)
            row.attempts -= 1  # it is not this row's fault
            postpone(row, now, PAUSE_SECONDS, str(error))
        elif error.errcode in RATE_LIMIT_ERRCODES:
            seconds = error.retry_after or 60.0
            pause(session, f"{PAUSE}:{row.kind}", error, now, seconds)
            postpone(row, now, seconds, str(error))
        elif error.permanent or (error.tries and row.attempts >= error.tries) or now - row.created_at > GIVE_UP_AFTER:
            state = "unknown" if row.first_tried_at is not None and not error.permanent else "failed"
            close_row(row, state, now, error=str(error))
            self._fail(work, row, state, str(error))
        else:
            postpone(row, now, _backoff(row, error), str(error))

    def _record_crash(self, row_id: int, why: str) -> str:
        """Try a row on which our own code broke again, a few times only: else it might call WeCom for ever."""
        with self.system.work() as work:
            now, row = work.now, work.session.get_one(Outbox, row_id)
            if row.state not in ("waiting", "sending") or (
                row.state == "sending" and row.lease_owner != self.system.owner
            ):
                return row.state
            if row.state == "waiting":  # it broke before the call, and the claim was undone with it
                row.attempts += 1
            before = row.error or ""  # tries that failed for WeCom's sake do not count here
            if row.attempts < CRASH_TRIES or not before.startswith(CRASHED):
                postpone(row, now, min(5.0 * 2.0**row.attempts, LONGEST_BACKOFF), why)
                return row.state
            state = "unknown" if row.first_tried_at is not None else "failed"
            close_row(row, state, now, error=why)
            self._fail(work, row, state, why)
            return row.state

    def _fail(self, work: Work, row: Outbox, state: str, why: str) -> None:
        """Tell the handler and the task that this row will not be sent (any more)."""
        self.handlers[row.kind].give_up(work, row, state, why)
        task = work.session.get(SopTask, row.task_id) if row.task_id else None
        if task is not None and task.state == "queued":
            task.state, task.ended_because = state, why[:200]


def _canonical(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with its keys in the order in which the database gives them back.

    WeCom recognises a repeated message only if it is equal byte for byte.
    """
    canonical: dict[str, Any] = json.loads(canonical_json(payload))
    return canonical


def _backoff(row: Outbox, error: WeComError) -> float:
    """Seconds to wait: the errcode's own figure, doubled with each try, spread so that rows do not return at once."""
    base = error.retry_after if error.retry_after is not None else 5.0
    spread = int.from_bytes(hashlib.sha256(f"{row.id}:{row.attempts}".encode()).digest()[:2], "big") / 65535
    return min(base * 2.0 ** (row.attempts - 1), LONGEST_BACKOFF) * (0.75 + spread / 2)
