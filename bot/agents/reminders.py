"""Reminder: the plain message to an agent, or about one to their leader, worded anew in the moment it leaves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from bot.agents.reading import Reader, reader_of_agent
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.log import get_logger
from bot.platform.models import Agent, Outbox
from bot.platform.work import Work

if TYPE_CHECKING:
    from bot.system import System

_log = get_logger(__name__)


class Reminder(OutboxHandler):
    """Waits for work hours and sends what is still true then. WeCom names the leader, else the config does.

    The row's payload says to whom: agent | leader. settled: why nothing is sent where nothing is left to say.
    keeps_hours: False where it comes at the hour that the agent named.
    """

    repeats_show = True
    keeps_hours: ClassVar[bool] = True
    settled: ClassVar[str]

    @abstractmethod
    def text(self, work: Work, row: Outbox, reader: Reader | None, about: str) -> str | None:
        """The message; None where nothing is left to say.

        reader: the agent, who is told only of customers they may read; None for the leader. about: the agent's name
        where their leader is told, else empty.
        """

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        shifts = work.settings.calendar.shifts(work.now) if self.keeps_hours else ()
        if shifts:
            raise PostponedError((shifts[-1].to - work.now).total_seconds())
        if "text" in row.payload:
            return row.payload
        agent = work.session.get_one(Agent, row.agent_id)
        leader = row.payload["to"] == "leader"
        reader = None if leader else reader_of_agent(work.session, agent.id, work.now)
        text = self.text(work, row, reader, agent.shown_name if leader else "")
        if text is None:
            raise NotNeededError(self.settled)
        leaders = list(work.settings.tables.overdue.leaders) if leader else []
        return {**row.payload, "userid": agent.userid, "leaders": leaders, "text": text}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        to = [payload["userid"]]
        if payload["to"] == "leader":
            named = system.wecom.member(payload["userid"]).get("direct_leader") or []
            to = [str(userid) for userid in named] or list(payload["leaders"])
        if not to:
            _log.warning("no leader to remind", userid=payload["userid"])
        return {"msgids": [system.wecom.send_text(userid, payload["text"]).msgid for userid in to], "to": to}
