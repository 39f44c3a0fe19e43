"""Reminder: the plain message to an agent, or about one to their leader, worded anew in the moment it leaves.

Whoever it goes to is told of those customers alone whom they may read about.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import select

from bot.agents.reading import NOBODY, Reader, reader_of_agent
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
    unnamed: what a leader is told who may read about none of the customers.
    keeps_hours: False where it comes at the hour that the agent named.
    """

    repeats_show = True
    keeps_hours: ClassVar[bool] = True
    settled: ClassVar[str]
    unnamed: ClassVar[str]

    @abstractmethod
    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[Any]:
        """What is left to tell this reader of."""

    @abstractmethod
    def words(self, work: Work, listed: Sequence[Any], about: str) -> str:
        """The message. about: the agent's name where their leader is told, else empty."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        shifts = work.settings.calendar.shifts(work.now) if self.keeps_hours else ()
        if shifts:
            raise PostponedError((shifts[-1].to - work.now).total_seconds())
        agent = work.session.get_one(Agent, row.agent_id)
        leader = row.payload["to"] == "leader"
        leaders = list(work.settings.tables.overdue.leaders) if leader else []
        keys = [one.casefold() for one in (*agent.leaders, *leaders)] if leader else [agent.key]
        readers = _readers(work, keys)
        left = {key: self.listed(work, row, reader) for key, reader in readers.items()}
        counts = {key: len(listed) for key, listed in left.items()}
        if row.payload.get("counts") == counts:  # a further try: WeCom knows it again by the same words
            return row.payload
        about = agent.shown_name if leader else ""
        theirs = self.listed(work, row, Reader(frozenset({agent.id})))
        texts = {key: self.words(work, listed, about) for key, listed in left.items() if listed}
        if not (theirs if leader else texts):
            raise NotNeededError(self.settled)
        other = self.unnamed.format(agent=about, n=len(theirs)) if leader else ""
        untold = {key: "" if readers[key] == NOBODY else other for key in left if key not in texts}
        told = {"texts": {**texts, **untold}, "other": other, "counts": counts}
        return {**row.payload, "userid": agent.userid, "leaders": leaders, **told}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        to = [payload["userid"]]
        if payload["to"] == "leader":
            named = system.wecom.member(payload["userid"]).get("direct_leader") or []
            to = [str(userid) for userid in named] or list(payload["leaders"])
        if not to:
            _log.warning("no leader to remind", userid=payload["userid"])
        texts = {userid: payload["texts"].get(userid.casefold(), payload["other"]) for userid in to}
        sent = {userid: system.wecom.send_text(userid, text).msgid for userid, text in texts.items() if text}
        return {"msgids": list(sent.values()), "to": list(sent)}


def _readers(work: Work, keys: Sequence[str]) -> dict[str, Reader]:
    """By key those of these people whom we know, as readers."""
    known = work.session.execute(select(Agent.key, Agent.id).where(Agent.key.in_(keys))).all()
    return {key: reader_of_agent(work.session, agent_id, work.now) for key, agent_id in known}
