"""What a person must mend: raised where it is noticed, told to the admins once a day while it lasts, then cleared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.customers.identity import find_agents
from bot.customers.state import Wake
from bot.delivery.handler import Errand, Skipped
from bot.platform.config.settings import Settings
from bot.platform.database.store import insert_new
from bot.platform.log import get_logger
from bot.platform.models import Agent, Alarm, Outbox

if TYPE_CHECKING:
    from bot.system import System

KIND = "alarm"
WORTH_TELLING = timedelta(days=1)  # what could not be told until then is said anew, or over
_log = get_logger(__name__)


def raise_alarm(session: Session, name: str, text: str, now: datetime) -> None:
    """Say that something is wrong; saying it again only notes that it still is.

    name: a key such as "wecom.secret" or "archive.lag", one alarm each. text: for people, what and how to mend it.
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
    """Say that it is well again; True where it was not."""
    lasting = (Alarm.name == name[:64]) & Alarm.cleared_at.is_(None)
    cleared = session.execute(update(Alarm).where(lasting).values(cleared_at=now))
    if not cleared.rowcount:  # type: ignore[attr-defined]
        return False
    _log.info("alarm cleared", alarm=name)
    return True


def alarms(session: Session) -> Sequence[Alarm]:
    """What is wrong at present, the oldest first."""
    lasting = select(Alarm).where(Alarm.cleared_at.is_(None)).order_by(Alarm.raised_at, Alarm.name)
    return session.scalars(lasting).all()


def tell_alarms(session: Session, settings: Settings, now: datetime, wake: Wake) -> int:
    """Put out a text to each of [alarms] agents for what they were not told of today; returns how many."""
    told = 0
    admins = settings.tables.alarms.agents
    for alarm in alarms(session) if admins else ():
        day = now.astimezone(settings.zone).date()
        if alarm.told_at is not None and alarm.told_at.astimezone(settings.zone).date() >= day:
            continue
        alarm.told_at = now
        rows = [
            {
                "key": f"{KIND}:{alarm.name}:{day:%Y%m%d}:{agent.id}"[:120],
                "kind": KIND,
                "payload": {"alarm": alarm.name},
                "agent_id": agent.id,
                "created_at": now,
                "not_before": now,
                "deadline": now + WORTH_TELLING,
            }
            for agent in find_agents(session, admins, now).values()
        ]
        told += insert_new(session, Outbox, rows, ["key"])
        keys = [row["key"] for row in rows]
        wake.outbox += session.scalars(select(Outbox).where(Outbox.key.in_(keys), Outbox.state == "waiting"))
    return told


class TellAlarm(Errand):
    """One alarm as a text to one admin, as long as it lasts."""

    repeats_show = True

    def prepare(self, session: Session, system: System, row: Outbox, now: datetime) -> dict[str, Any]:
        if "text" in row.payload:
            return row.payload
        alarm = session.get(Alarm, row.payload["alarm"])
        if alarm is None or alarm.cleared_at is not None:
            raise Skipped("已经恢复")
        since = alarm.raised_at.astimezone(system.settings.zone)
        said = f"⚠️ {alarm.text}\n{since:%m-%d %H:%M} 起"
        return {**row.payload, "userid": session.get_one(Agent, row.agent_id).userid, "text": said}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}
