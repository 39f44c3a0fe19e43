"""Findings on conduct: who may see them, what a leader says of them, and what follows for the agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, select, true
from sqlalchemy.orm import Session

from bot.agents.accounts import role_by_wecom, role_of
from bot.agents.reading import LEADS, is_active, reader_in_role
from bot.platform.config.settings import Settings
from bot.platform.models import Account, Agent, ConductFinding
from bot.platform.work import About, Work
from bot.wecom.errors import BotError
from taggers.conduct import titles_of

RIGHT, WRONG = "right", "wrong"
WORDS = {RIGHT: "属实", WRONG: "误判"}
NO_WORD = "请选属实还是误判"
ADMIN = "admin"
TO_AGENT = "conduct_agent"


class NoSuchWordError(BotError):
    """What was said of a finding is none of the words there are; the text is for people."""


@dataclass(frozen=True)
class Overseer:
    """Whoever may see findings: on which agents (None: on all). Nobody sees those on themselves.

    agent_id: who they are themselves, if an agent.
    """

    agents: frozenset[int] | None
    agent_id: int | None = None

    def sees(self, agent_id: int) -> bool:
        """Whether they may see findings on this agent."""
        return agent_id != self.agent_id and (self.agents is None or agent_id in self.agents)


def overseer_in_role(session: Session, role: str, agent_id: int | None, departments: tuple[int, ...]) -> Overseer:
    """Admins see the findings on all, leaders those on the agents they lead; others see none."""
    if role == ADMIN:
        return Overseer(None, agent_id)
    led = reader_in_role(session, role, agent_id, departments).through if role == LEADS else None
    return Overseer(led or frozenset(), agent_id)


def overseers(session: Session, now: datetime) -> dict[int, Overseer]:
    """All agents who may see findings, by their id, with or without a sign-in."""
    accounts = {one.agent_id: one for one in session.scalars(select(Account).where(Account.agent_id.is_not(None)))}
    found: dict[int, Overseer] = {}
    for agent in session.scalars(select(Agent).where(Agent.left_at.is_(None))):
        account = accounts.get(agent.id)
        role = role_of(account) if account is not None else role_by_wecom(agent)
        if role in (ADMIN, LEADS) and is_active(account, agent, now):
            found[agent.id] = overseer_in_role(session, role, agent.id, tuple(agent.leads or agent.departments))
    return found


def overseen(who: Overseer) -> ColumnElement[bool]:
    """A condition on ConductFinding: those that they may see."""
    others = true() if who.agent_id is None else ConductFinding.agent_id != who.agent_id
    if who.agents is None:
        return others
    return others & ConductFinding.agent_id.in_(who.agents) if who.agents else false()


def title_now(settings: Settings, row: ConductFinding) -> str:
    """What the rule of a finding is called: as it is now, or was when it is no more."""
    return titles_of(settings.tables.rules).get(row.rule_id, row.title)


def judge_finding(work: Work, row: ConductFinding, word: str, who: str) -> None:
    """Take a leader's word on a finding; an empty one takes it back. Raises NoSuchWordError."""
    if word and word not in WORDS:
        raise NoSuchWordError(NO_WORD)
    row.judged, row.judged_by, row.judged_at = word, who[:80] if word else "", work.now if word else None
    if word == RIGHT and work.settings.tables.conduct.tell_agent and not row.shadow:
        work.send_once(TO_AGENT, f"{TO_AGENT}:{row.id}", {"finding_id": row.id}, About(agent_id=row.agent_id))
