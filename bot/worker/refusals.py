"""Refused jobs: what somebody else wrote into the queue is counted, logged and told as an alarm."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.store import get_status, set_status
from bot.platform.log import get_logger
from bot.platform.models import Alarm
from bot.platform.queued_job import REFUSED
from bot.system import System
from taggers.translatable import Translatable

ALARM = "queue.refused"
LASTS = timedelta(days=1)  # without another refusal; then the alarm ends
_log = get_logger(__name__)


def note_refusal(system: System, reason: str) -> None:
    """Count a refused job. The worker goes on even where the database cannot count it."""
    _log.error("job refused", reason=reason)
    now = clock.now()
    try:
        with system.store.write() as session:
            known = get_status(session, REFUSED)
            count = int(known.value["count"]) if known is not None else 0
            set_status(session, REFUSED, {"count": count + 1, "reason": reason}, now)
            raise_alarm(session, ALARM, _text(count + 1), now)
    except SQLAlchemyError as error:
        _log.warning("refusal not counted", error=type(error).__name__)


def end_old_alarm(session: Session, now: datetime) -> None:
    """Clear the alarm once nothing was refused for a day."""
    alarm = session.get(Alarm, ALARM)
    if alarm is not None and alarm.cleared_at is None and now - alarm.seen_at > LASTS:
        clear_alarm(session, ALARM, now)


def _text(count: int) -> Translatable:
    return Translatable(
        "队列里出现了不是本系统放进去的任务，已拒绝执行（共 {n} 次）：有别人能写 Redis。"
        "请换掉它的密码，并只让本系统的机器连得上它",
        n=count,
    )
