"""Alarm messages: tells the agents of [alarms] what a person must mend, once a day while it lasts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.customers.identity import find_agents
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.database.alarms import alarms
from bot.platform.models import Agent, Alarm, Outbox
from bot.platform.work import About, Work

if TYPE_CHECKING:
    from bot.system import System

KIND = "alarm"
WORTH_TELLING = timedelta(days=1)  # by then the alarm is told anew, or has ended


def tell_alarms(work: Work) -> int:
    """Put out a text to each of [alarms] agents for what they were not told of today; returns how many."""
    told = 0
    admins = work.settings.tables.alarms.agents
    for alarm in alarms(work.session) if admins else ():
        day = work.now.astimezone(work.settings.zone).date()
        if alarm.told_at is not None and alarm.told_at.astimezone(work.settings.zone).date() >= day:
            continue
        alarm.told_at = work.now
        for agent in find_agents(work.session, admins, work.now).values():
            key = f"{KIND}:{alarm.name}:{day:%Y%m%d}:{agent.id}"
            row = work.send_once(KIND, key, {"alarm": alarm.name}, About(agent_id=agent.id))
            if row is not None:
                row.deadline = work.now + WORTH_TELLING
                told += 1
    return told


class TellAlarm(OutboxHandler):
    """Sends one alarm as a text to one agent, as long as it lasts."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if "text" in row.payload:
            return row.payload
        alarm = work.session.get(Alarm, row.payload["alarm"])
        if alarm is None or alarm.cleared_at is not None:
            raise NotNeededError("已经恢复")
        since = alarm.raised_at.astimezone(work.settings.zone)
        said = f"⚠️ {alarm.text}\n{since:%m-%d %H:%M} 起"
        return {**row.payload, "userid": work.session.get_one(Agent, row.agent_id).userid, "text": said}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}
