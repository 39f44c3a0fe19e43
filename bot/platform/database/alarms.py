"""Alarms for what a person must mend: raised where it is noticed, sent to admins daily while it lasts, cleared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.platform.database.store import insert_new
from bot.platform.log import get_logger
from bot.platform.models import Alarm

_log = get_logger(__name__)


def raise_alarm(session: Session, name: str, text: str, now: datetime) -> None:
    """Raise an alarm; raising it again only records that it lasts.

    name: a key such as "wecom.secret" or "archive.lag", one alarm each. text: for people, what is wrong and how to
    mend it.
    """
    row = {"name": name[:64], "text": text[:500], "raised_at": now, "seen_at": now, "times": 1}
    if insert_new(session, Alarm, [row], ["name"]):
        _log.error("alarm", alarm=name, text=text[:500])
        return
    known = session.scalars(select(Alarm).where(Alarm.name == name[:64]).with_for_update()).one()
    if known.cleared_at is not None:
        known.raised_at, known.cleared_at, known.told_at, known.times = now, None, None, 0
        _log.error("alarm", alarm=name, text=text[:500])
    known.text, known.seen_at, known.times = text[:500], now, known.times + 1


def clear_alarm(session: Session, name: str, now: datetime) -> bool:
    """Clear an alarm; True where it was raised."""
    lasting = (Alarm.name == name[:64]) & Alarm.cleared_at.is_(None)
    cleared = session.execute(update(Alarm).where(lasting).values(cleared_at=now))
    if not cleared.rowcount:  # type: ignore[attr-defined]
        return False
    _log.info("alarm cleared", alarm=name)
    return True


def alarms(session: Session) -> Sequence[Alarm]:
    """The alarms raised at present, oldest first."""
    lasting = select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.raised_at, Alarm.name)
    return session.scalars(lasting).all()
