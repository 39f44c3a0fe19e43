"""Deliver: claim an outbox row, let go of the database, call WeCom, record what came of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError
from rq.timeouts import BaseTimeoutException
from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform import clock
from bot.platform.database.store import canonical_json, database_now, get_status, set_status
from bot.platform.failpoints import failpoint
from bot.platform.log import get_logger
from bot.platform.models import Customer, Outbox, SopTask
from bot.platform.work import Work
from bot.wecom.connection import no_call_after
from bot.wecom.errors import CallHeldError, WeComError

if TYPE_CHECKING:
    from bot.system import System

LEASE_SECONDS = 20  # with the sweep every 10 s, what a dead worker held is taken up within 30 s
GIVE_UP = timedelta(days=1)  # WeCom may be away for hours; its own deadline ends a row sooner
LONGEST_WAIT = 600.0
RIPE = timedelta(seconds=3)
STUMBLED, STUMBLES = "程序出错", 5
NOT_THE_ROWS_FAULT = (OperationalError, InterfaceError, RedisError, BaseTimeoutException)
PAUSE = "wecom_pause"
PAUSE_SECONDS = 300
# These concern every call of the app (secret, corp, app, IP); other alarms stop their own kind of call only.
WHOLE_APP = frozenset({40001, 40013, 40056, 41001, 41004, 50003, 60020, 301002})
LIMITS = frozenset({45009})  # not this call but all of its kind must wait
# WeCom itself drops a repeated, equal message only within this time of the first (duplicate_check_interval).
SAFE_AGAIN = timedelta(hours=3, minutes=50)
_log = get_logger(__name__)


@dataclass(frozen=True)
class Delivery:
    """Delivers outbox rows; `handlers` tells for each kind of row what it asks of WeCom."""

    system: System
    handlers: Mapping[str, OutboxHandler]

    def deliver(self, row_id: int) -> str | None:
        """Deliver one row; returns its state afterwards, None where another has it or its time has not come."""
        try:
            return self._deliver(row_id)
        except NOT_THE_ROWS_FAULT:
            raise
        except Exception as error:
            _log.exception("row stumbled over", row=row_id)
            return self._stumbled(row_id, f"{STUMBLED}：{type(error).__name__}: {error}"[:300])

    def _deliver(self, row_id: int) -> str | None:
        system, now, begun = self.system, clock.now(), time.monotonic()
        with system.work(now) as work:
            row = _claim(work.session, row_id, system.owner, now)
            if row is None:
                return None
            handler = self.handlers[row.kind]
            ready = self._ready(work, row)
            row.payload = _settled(row.payload)
            payload, attempt = row.payload, row.attempts
        failpoint("claimed")
        if not ready:
            return row.state
        try:
            with no_call_after(begun + LEASE_SECONDS):
                result = handler.call(system, payload)
        except WeComError as error:
            return self._failed(row_id, attempt, now, error)
        failpoint("sent")
        with system.work(point="recorded") as work:
            row = work.session.get_one(Outbox, row_id)
            if row.attempts != attempt:  # our lease ran out and another took over: their word counts
                return row.state
            handler.record(work, row, result)
            _close(row, "sent", work.now, result=result)
            handler.conclude(work, system, row, result)
        return "sent"

    def _ready(self, work: Work, row: Outbox) -> bool:
        """Fill in what is to be sent; False where the row is settled or put off without a call."""
        handler, now = self.handlers[row.kind], work.now
        unsure = row.first_tried_at is not None and row.first_tried_at < now
        if row.deadline is not None and row.deadline <= now and unsure:
            _close(row, "unknown", now, error="上次发送中断，不知是否已送达；时限已过，不再发送")
            self._tell_task(work, row, "unknown", "上次发送中断，不知员工是否已收到")
            return False
        if row.deadline is not None and row.deadline <= now:
            _close(row, "failed", now, error="超过了时限，没有发出")
            self._tell_task(work, row, "expired", "超过了时限，没有发出")
            return False
        if unsure and handler.repeats_show and row.first_tried_at and now - row.first_tried_at > SAFE_AGAIN:
            _close(row, "unknown", now, error="上次发送中断，不知是否已送达；为免重复不再发送")
            self._tell_task(work, row, "unknown", "上次发送中断，不知员工是否已收到")
            return False
        if handler.one_at_a_time and _busy(work.session, row):
            _not_tried(row, now)
            _put_off(row, now, 1.0)
            return False
        try:
            row.payload = handler.prepare(work, self.system, row)
        except NotNeededError as skipped:
            _close(row, "cancelled", now, error=str(skipped))
            return False
        except PostponedError as postponed:
            _not_tried(row, now)
            _put_off(row, now, postponed.seconds)
            return False
        return True

    def _failed(self, row_id: int, attempt: int, claimed_at: datetime, error: WeComError) -> str:
        with self.system.work() as work:
            session, now = work.session, work.now
            row = session.get_one(Outbox, row_id)
            if row.attempts != attempt:
                return row.state
            handler = self.handlers[row.kind]
            if error.errcode in handler.counts_as_sent and attempt > 1:
                handler.record(work, row, {})
                _close(row, "sent", now, result={"errcode": error.errcode})
                return row.state
            handler.learn(work, row, error)
            if not error.unsure:
                _not_tried(row, claimed_at)
            if isinstance(error, CallHeldError):
                row.attempts -= 1  # no call was made
                _put_off(row, now, error.retry_after or 1.0)
                return row.state
            if error.pause:
                scope = PAUSE if error.errcode in WHOLE_APP else f"{PAUSE}:{row.kind}"
                _pause(session, scope, error, now, PAUSE_SECONDS)
                row.attempts -= 1  # it is not this row's fault
                _put_off(row, now, PAUSE_SECONDS, str(error))
            elif error.errcode in LIMITS:
                seconds = error.retry_after or 60.0
                _pause(session, f"{PAUSE}:{row.kind}", error, now, seconds)
                _put_off(row, now, seconds, str(error))
            elif error.permanent or (error.tries and attempt >= error.tries) or now - row.created_at > GIVE_UP:
                state = "unknown" if row.first_tried_at is not None and not error.permanent else "failed"
                _close(row, state, now, error=str(error))
                self._tell_task(work, row, state, str(error))
            else:
                _put_off(row, now, _backoff(row, error), str(error))
            _log.warning("not delivered", kind=row.kind, row=row.id, errcode=error.errcode, state=row.state)
            return row.state

    def _stumbled(self, row_id: int, why: str) -> str:
        """Our own code broke on a row. It is tried again, a few times: without an end it would call WeCom for ever."""
        with self.system.work() as work:
            now, row = work.now, work.session.get_one(Outbox, row_id)
            if row.state not in ("waiting", "sending") or (
                row.state == "sending" and row.lease_owner != self.system.owner
            ):
                return row.state
            if row.state == "waiting":  # it broke before the call, and the claim was undone with it
                row.attempts += 1
            before = row.error or ""
            if row.attempts < STUMBLES or not before.startswith(STUMBLED):
                _put_off(row, now, min(5.0 * 2.0**row.attempts, LONGEST_WAIT), why)
                return row.state
            state = "unknown" if row.first_tried_at is not None else "failed"
            _close(row, state, now, error=why)
            self._tell_task(work, row, state, why)
            return row.state

    def _tell_task(self, work: Work, row: Outbox, state: str, why: str) -> None:
        self.handlers[row.kind].give_up(work, row, state, why)
        task = work.session.get(SopTask, row.task_id) if row.task_id else None
        if task is not None and task.state == "queued":
            task.state, task.ended_because = state, why[:200]


def _settled(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload with its keys in the order in which every database gives them back, or a repeat would differ."""
    settled: dict[str, Any] = json.loads(canonical_json(payload))
    return settled


def waiting_ids(session: Session, now: datetime, limit: int = 2000) -> list[int]:
    """The rows that should leave now: waiting and due, or claimed by someone who has vanished."""
    vanished = and_(Outbox.state == "sending", Outbox.lease_until < database_now(session))
    due = and_(Outbox.state == "waiting", Outbox.not_before <= now)
    query = select(Outbox.id).where(or_(due, vanished)).order_by(Outbox.id).limit(limit)
    return list(session.scalars(query))


def ripe_ids(session: Session, now: datetime, limit: int = 500) -> list[int]:
    """The rows that were put off until about now: they need not wait for the sweep."""
    just_now = and_(Outbox.not_before > now - RIPE, Outbox.not_before <= now)
    put_off = and_(Outbox.state == "waiting", just_now, Outbox.not_before > Outbox.created_at)
    return list(session.scalars(select(Outbox.id).where(put_off).order_by(Outbox.id).limit(limit)))


def _claim(session: Session, row_id: int, owner: str, now: datetime) -> Outbox | None:
    present = database_now(session)
    row = session.get(Outbox, row_id)
    if row is None or row.state not in ("waiting", "sending"):
        return None
    if (until := _paused_until(session, row.kind, now)) is not None:
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


def _busy(session: Session, row: Outbox) -> bool:
    """Whether another row of the same kind and customer is on its way: WeCom refuses concurrent writes (45035)."""
    if row.customer_id is None:
        return False
    session.execute(select(Customer.id).where(Customer.id == row.customer_id).with_for_update())
    others = select(Outbox.id).where(
        Outbox.kind == row.kind,
        Outbox.customer_id == row.customer_id,
        Outbox.id != row.id,
        Outbox.state == "sending",
        Outbox.lease_until > database_now(session),
    )
    return session.scalar(others.limit(1)) is not None


def _not_tried(row: Outbox, claimed_at: datetime) -> None:
    """This claim led to no call, or to one that certainly had no effect."""
    if row.first_tried_at == claimed_at:
        row.first_tried_at = None


def _backoff(row: Outbox, error: WeComError) -> float:
    """Seconds to wait: WeCom's own figure, doubled with each try, spread by the row's id."""
    base = error.retry_after if error.retry_after is not None else 5.0
    spread = int.from_bytes(hashlib.sha256(f"{row.id}:{row.attempts}".encode()).digest()[:2], "big") / 65535
    return min(base * 2.0 ** (row.attempts - 1), LONGEST_WAIT) * (0.75 + spread / 2)


def _put_off(row: Outbox, now: datetime, seconds: float, error: str | None = None) -> None:
    row.state, row.lease_until, row.lease_owner = "waiting", None, None
    row.not_before = now + timedelta(seconds=seconds)
    row.error = error[:500] if error else row.error


def _close(
    row: Outbox, state: str, now: datetime, *, result: dict[str, Any] | None = None, error: str | None = None
) -> None:
    row.state, row.done_at, row.lease_until = state, now, None
    row.result = result if result is not None else row.result
    row.error = error[:500] if error else None


def _pause(session: Session, name: str, error: WeComError, now: datetime, seconds: float) -> None:
    until = now + timedelta(seconds=seconds)
    set_status(session, name, {"until": until.isoformat(), "errcode": error.errcode, "why": str(error)}, now)
    _log.error("WeCom calls paused", pause=name, errcode=error.errcode, seconds=seconds)


def _paused_until(session: Session, kind: str, now: datetime) -> datetime | None:
    """When calls of this kind may be made again; None for now."""
    for name in (PAUSE, f"{PAUSE}:{kind}"):
        status = get_status(session, name)
        until = datetime.fromisoformat(status.value["until"]) if status else now
        if until > now:
            return until
    return None
