"""Rows of the conduct page: the findings that the visitor may see, and what was said before and after one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from bot.agents.conduct import Overseer, overseen, overseer_in_role, title_now
from bot.agents.reading import may_read
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, ConductFinding, GroupChat
from bot.web.auth.access import reader_of
from bot.web.auth.visitor import Visitor
from bot.web.customers.conversation_rows import Bubble, read_around
from bot.web.customers.group_rows import group_names, visible_groups
from bot.web.customers.highlight import TextPiece, marks_of
from bot.web.layout.languages import translate_stored
from bot.web.rules.rule_rows import excerpt

PAGE = 30
STATES = {"open": "待判断", "right": "属实", "wrong": "误判", "all": "全部"}


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are listed. state: a key of STATES; rule: an id; agent: a row's number."""

    state: str = "open"
    rule: str = ""
    agent: int | None = None

    def condition(self) -> ColumnElement[bool]:
        wanted: list[ColumnElement[bool]] = []
        if self.state != "all":
            wanted.append(ConductFinding.judged == ("" if self.state == "open" else self.state))
        if self.rule:
            wanted.append(ConductFinding.rule_id == self.rule)
        if self.agent is not None:
            wanted.append(ConductFinding.agent_id == self.agent)
        return and_(true(), *wanted)


@dataclass(frozen=True)
class FindingRow:
    """A finding as the list shows it. pieces: none where its words are purged. revoked: the agent took it back."""

    id: int
    title: str
    agent: str
    at: datetime
    in_group: bool
    customer_id: int | None
    pieces: tuple[TextPiece, ...]
    reason: str
    judged: str
    judged_by: str
    shadow: bool
    revoked: bool


def overseer_of(session: Session, who: Visitor) -> Overseer:
    """The visitor as one who may see findings."""
    return overseer_in_role(session, who.role, who.agent_id, who.departments)


def find_finding(session: Session, who: Visitor, finding_id: int) -> ConductFinding | None:
    """One finding, None where there is none that the visitor may see."""
    mine = overseen(overseer_of(session, who))
    return session.scalar(select(ConductFinding).where(ConductFinding.id == finding_id, mine))


def read_findings(
    session: Session, settings: Settings, who: Visitor, wanted: FindingFilter, before: int | None
) -> tuple[list[FindingRow], int | None]:
    """The newest findings of a filter, and where to go on. Two queries."""
    query = (
        select(ConductFinding)
        .options(joinedload(ConductFinding.agent), joinedload(ConductFinding.message))
        .where(overseen(overseer_of(session, who)), wanted.condition())
        .order_by(ConductFinding.said_at.desc(), ConductFinding.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        edge = session.get(ConductFinding, before)
        if edge is None:
            return [], None
        same = and_(ConductFinding.said_at == edge.said_at, ConductFinding.id < edge.id)
        query = query.where(or_(ConductFinding.said_at < edge.said_at, same))
    rows = session.scalars(query).all()
    found = [_row(settings, row) for row in rows[:PAGE]]
    return found, found[-1].id if len(rows) > PAGE else None


def count_open(session: Session, who: Visitor) -> int:
    """How many findings wait for the visitor's word."""
    mine = overseen(overseer_of(session, who)), ConductFinding.judged == "", ConductFinding.shadow.is_(False)
    return session.scalar(select(func.count()).select_from(ConductFinding).where(*mine)) or 0


def agents_found(session: Session, who: Visitor) -> Sequence[Agent]:
    """The agents of whom there are findings that the visitor may see."""
    mine = select(ConductFinding.agent_id).where(overseen(overseer_of(session, who)))
    return session.scalars(select(Agent).where(Agent.id.in_(mine)).order_by(Agent.name, Agent.userid)).all()


def read_context(session: Session, who: Visitor, row: ConductFinding) -> tuple[Bubble, ...] | None:
    """What was said around a finding; None where the visitor may not read that talk, or it is purged."""
    if row.message is None:
        return None
    if row.customer_id is not None:
        if not may_read(session, reader_of(session, who), row.customer_id):
            return None
        return read_around(session, row.message, {})
    room = select(GroupChat).where(GroupChat.chat_id == row.message.roomid, visible_groups(session, who))
    chat = session.scalar(room)
    return None if chat is None else read_around(session, row.message, group_names(session, chat.id))


def _row(settings: Settings, row: ConductFinding) -> FindingRow:
    message, reason = row.message, translate_stored(row.reason)
    return FindingRow(
        id=row.id,
        title=title_now(settings, row),
        agent=row.agent.shown_name,
        at=row.said_at,
        in_group=row.customer_id is None,
        customer_id=row.customer_id,
        pieces=excerpt(message.text, marks_of(row.spans, reason)) if message is not None else (),
        reason=row.reason,
        judged=row.judged,
        judged_by=row.judged_by,
        shadow=row.shadow,
        revoked=message is not None and message.revoked_at is not None,
    )
