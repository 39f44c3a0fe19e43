"""Log alarm: told where the audit log or the log of readings was emptied, cut, put back or altered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.audit_log import verify_heads, verify_log
from bot.platform.database.reading_log import seal_views_hourly, verify_views
from taggers.translatable import Translatable

if TYPE_CHECKING:
    from bot.system import System

HEADS, WHOLE = "audit.heads", "audit.log"


def watch_log(system: System, now: datetime, *, whole: bool) -> None:
    """Seal readings hour by hour, and raise an alarm where a log is not as it was.

    whole: read all of both logs as well; else only whether the newest row that was noted is still there.
    """
    keep = system.settings.tables.privacy.retention.views
    with system.store.read() as session:  # a file is read: nobody must wait for the database meanwhile
        cut = verify_heads(session)
    with system.store.write() as session:
        _tell(session, HEADS, cut, now)
        seal_views_hourly(session, now)
    if whole:
        with system.store.read() as session:
            fault = log_fault(session, now - keep if keep else None)
        with system.store.write() as session:
            _tell(session, WHOLE, fault, now)


def log_fault(session: Session, kept_since: datetime | None) -> Translatable | None:
    """What is wrong with either log, in words; None where both are as they were written."""
    fault = verify_log(session)
    if fault is not None:
        return fault
    views = verify_views(session, kept_since)
    return None if views is None else Translatable("查阅记录 {views} 被改动或删除过，请立刻与备份核对", views=views)


def _tell(session: Session, name: str, fault: Translatable | None, now: datetime) -> None:
    if fault is None:
        clear_alarm(session, name, now)
    else:
        raise_alarm(session, name, fault, now)
