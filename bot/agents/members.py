"""Members: keeps the company's people and departments as WeCom shows them, with changes and leavers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.identity import find_agents
from bot.delivery.handler import OutboxHandler
from bot.platform.database import audit_log as audit_log
from bot.platform.models import Agent, Department, Outbox
from bot.platform.work import About, Work
from bot.wecom import directory
from bot.wecom.directory import DISABLED, LEFT, WeComMember, read_person
from bot.wecom.errors import WeComError

if TYPE_CHECKING:
    from bot.system import System

NO_SUCH_MEMBER = 60111  # errcodes of user/get
OUT_OF_SIGHT = 60011
WECOM = "wecom"  # the actor of what WeCom told
GONE = frozenset({DISABLED, LEFT})


class ReadMember(OutboxHandler):
    """Reads one member's profile, after an event about them."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return {**row.payload, "userid": work.session.get_one(Agent, row.agent_id).userid}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"member": system.wecom.member(payload["userid"])}
        except WeComError as error:
            if error.errcode not in (NO_SUCH_MEMBER, OUT_OF_SIGHT):
                raise
            return {"errcode": error.errcode}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        agent = work.session.get_one(Agent, row.agent_id)
        if result.get("member"):
            take_person(work.session, agent, read_person(result["member"]), work.now)
        elif result.get("errcode") == NO_SUCH_MEMBER:
            note_left(work.session, agent, work.now)


class ReadDepartments(OutboxHandler):
    """Reads all departments, after an event about one."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return dict(row.payload)

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        found = directory.departments(system.wecom)
        return {"departments": [[d.id, d.parent_id, d.name, d.position] for d in found]}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        found = [directory.WeComDepartment(*values) for values in result["departments"]]
        take_departments(work.session, found, work.now)


def ask_member(work: Work, agent: Agent, why: str) -> None:
    """Put out a request for a member's profile. why: names the occasion."""
    key = f"member:{agent.id}:{why}"[:120]
    work.send("member", key, {}, About(agent_id=agent.id))


def ask_departments(work: Work, why: str) -> None:
    """Put out a request for all departments. why: names the occasion."""
    work.send("departments", f"departments:{why}", {})


def take_person(session: Session, agent: Agent, found: WeComMember, now: datetime) -> bool:
    """Record a profile; True where something in it was new to us."""
    told = {
        "userid": found.userid[:64] or agent.userid,
        "name": found.name[:64] or agent.name or "",
        "departments": list(found.departments),
        "leads": list(found.leads),
        "leaders": [userid.casefold() for userid in found.leaders],
        "position": found.position[:128],
    }
    changed = [name for name, value in told.items() if getattr(agent, name) != value]
    for name in changed:
        setattr(agent, name, told[name])
    agent.read_at = now
    if found.status in GONE:
        return note_left(session, agent, now) or bool(changed)
    if agent.left_at is not None:
        agent.left_at = None
        audit_log.record(session, WECOM, "agent.return", f"agent:{agent.id}", now)
        return True
    return bool(changed)


def note_left(session: Session, agent: Agent, now: datetime) -> bool:
    """Record that an agent left the company; True if that is new. Their customers and tasks wait for an heir."""
    if agent.left_at is not None:
        return False
    agent.left_at = now
    audit_log.record(session, WECOM, "agent.leave", f"agent:{agent.id}", now, userid=agent.userid)
    return True


def change_userid(session: Session, agent: Agent, userid: str) -> bool:
    """Record an agent's new userid; False where somebody else has it already."""
    key = userid.casefold()
    if not userid or session.scalar(select(Agent.id).where(Agent.key == key, Agent.id != agent.id)) is not None:
        return False
    agent.key, agent.userid = key[:64], userid[:64]
    return True


def take_people(session: Session, found: Iterable[WeComMember], now: datetime) -> tuple[list[Agent], list[Agent]]:
    """Record profiles; returns the agents that are new to us and those of whom something changed."""
    listed = {person.userid.casefold(): person for person in found}
    known = set(session.scalars(select(Agent.key)))
    agents = find_agents(session, [person.userid for person in listed.values()], now)
    changed = [agents[key] for key, person in listed.items() if take_person(session, agents[key], person, now)]
    fresh = [agents[key] for key in listed if key not in known]
    return fresh, [agent for agent in changed if agent.key in known]


def take_departments(
    session: Session, found: Iterable[directory.WeComDepartment], now: datetime
) -> tuple[list[Department], list[Department], list[Department]]:
    """Make our departments equal to WeCom's; returns those that are new, changed and gone."""
    ours = {row.id: row for row in session.scalars(select(Department))}
    fresh, changed, here = [], [], set()
    for told in found:
        here.add(told.id)
        row = ours.get(told.id)
        if row is None:
            row = Department(id=told.id, parent_id=told.parent_id, name=told.name[:128], position=told.position)
            session.add(row)
            fresh.append(row)
            continue
        values = {"parent_id": told.parent_id, "name": told.name[:128] or row.name, "position": told.position}
        if row.gone_at is not None or any(getattr(row, name) != value for name, value in values.items()):
            changed.append(row)
        for name, value in values.items():
            setattr(row, name, value)
        row.gone_at = None
    gone = [row for number, row in ours.items() if number not in here and row.gone_at is None]
    for row in gone:
        row.gone_at = now
    session.flush()
    return fresh, changed, gone


def below(session: Session, departments: Iterable[int]) -> set[int]:
    """These departments and all below them, as far as we know."""
    rows = session.execute(select(Department.id, Department.parent_id).where(Department.gone_at.is_(None))).all()
    found = set(departments)
    while more := {number for number, parent in rows if parent in found} - found:
        found |= more
    return found
