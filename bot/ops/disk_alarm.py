"""Disk alarm: told while what can wait has to wait for room on the disk, ended by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.disk import free_megabytes, must_wait
from bot.platform.environment import Environment
from taggers.translatable import Translatable

ALARM = "disk.low"


def watch_disk(session: Session, environment: Environment, now: datetime) -> None:
    """Raise the alarm where the room is short, and end it where it is not."""
    if must_wait(environment):
        raise_alarm(session, ALARM, _text(free_megabytes(environment)), now)
    else:
        clear_alarm(session, ALARM, now)


def _text(free: int) -> Translatable:
    return Translatable(
        "磁盘只剩 {n} MB：会话文件、回测和搜索索引暂停，消息和提醒照常。请清理磁盘，有空间后自动继续", n=free
    )
