"""Notices of conduct: one message a day at most tells leaders what waits for their word; agents only if config says.

No words of any talk are in them: those are read on the page, where reading is noted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bot.agents.conduct import RIGHT, Overseer, overseers, title_now
from bot.delivery.handler import NotNeededError, OutboxHandler, PostponedError
from bot.platform.models import Agent, ConductFinding, Outbox
from bot.platform.work import About, Work
from bot.sops.gate import last_told
from taggers.conduct import is_worth_telling

if TYPE_CHECKING:
    from bot.system import System

KIND = "conduct"
APART = timedelta(hours=20)  # so far apart, at least, a leader is told twice
LATELY = timedelta(days=30)  # what waits longer is told no more; it stays on the page
MOST_LISTED = 12
_SETTLED = "都已经有人判断过了"


def tell_of_conduct(work: Work, limit: int = 5_000) -> int:
    """Put out the notices to leaders that are due; returns how many findings were looked at."""
    table = work.settings.tables.conduct
    if not table.tell_leaders or work.settings.calendar.shifts(work.now):
        return 0
    waiting = _untold().where(ConductFinding.found_at > work.now - LATELY)
    rows = work.session.scalars(waiting.order_by(ConductFinding.found_at, ConductFinding.id).limit(limit)).all()
    if not is_worth_telling([row.found_at for row in rows], table, work.now):
        return 0
    seers = overseers(work.session, work.now)
    told = last_told(work.session, set(seers), work.now - APART, (KIND,))
    for leader, theirs in _by_leader(work, rows, seers).items():
        if leader not in told and is_worth_telling([row.found_at for row in theirs], table, work.now):
            payload = {"finding_ids": [row.id for row in theirs]}
            work.send(KIND, f"{KIND}:{leader}:{work.now.isoformat()}", payload, About(agent_id=leader))
            for row in theirs:
                row.told_at = work.now
    return len(rows)


def _untold() -> Any:
    untold = ConductFinding.told_at.is_(None), ConductFinding.judged == "", ConductFinding.shadow.is_(False)
    return select(ConductFinding).options(joinedload(ConductFinding.agent)).where(*untold)


def _by_leader(
    work: Work, rows: Sequence[ConductFinding], seers: Mapping[int, Overseer]
) -> dict[int, list[ConductFinding]]:
    """Whom each finding is told to: the agent's own leader where they may see it, else every leader who may, else
    the admins."""
    keys = {agent.key: agent.id for agent in work.session.scalars(select(Agent).where(Agent.id.in_(seers)))}
    found: dict[int, list[ConductFinding]] = {}
    for row in rows:
        for leader in _told_of(row, seers, keys, work.settings.tables.overdue.leaders):
            found.setdefault(leader, []).append(row)
    return found


def _told_of(
    row: ConductFinding, seers: Mapping[int, Overseer], keys: Mapping[str, int], named: Sequence[str]
) -> list[int]:
    may = {one: who for one, who in seers.items() if who.sees(row.agent_id)}
    direct = [keys[key.casefold()] for key in (row.agent.leaders or named) if key.casefold() in keys]
    leaders = [one for one, who in may.items() if who.agents is not None]
    return [one for one in dict.fromkeys(direct) if one in may] or leaders or list(may)


class TellOfConduct(OutboxHandler):
    """Tells one leader how many findings wait for their word, of whom and of what kind."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        _wait_for_work_hours(work)
        if "text" in row.payload:
            return row.payload
        who = overseers(work.session, work.now).get(row.agent_id or 0, Overseer(frozenset()))
        waiting = ConductFinding.id.in_(row.payload["finding_ids"]), ConductFinding.judged == ""
        query = select(ConductFinding).options(joinedload(ConductFinding.agent)).where(*waiting)
        left = [one for one in work.session.scalars(query.order_by(ConductFinding.id)) if who.sees(one.agent_id)]
        if not left:
            raise NotNeededError(_SETTLED)
        agent = work.session.get_one(Agent, row.agent_id)
        return {**row.payload, "userid": agent.userid, "text": _words(work, left, system.environment.base_url)}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}


class TellAgentOfConduct(OutboxHandler):
    """Tells an agent of a finding on them that a leader still calls right; only put out where config says so."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        _wait_for_work_hours(work)
        finding = work.session.get(ConductFinding, row.payload["finding_id"])
        if finding is None or finding.judged != RIGHT:
            raise NotNeededError("主管收回了判断")
        local = work.settings.calendar.local(finding.said_at)
        when = f"{local.month}月{local.day}日 {local:%H:%M}"
        text = (
            f"主管看了您 {when} 在{'群' if finding.customer_id is None else '与客户的对话'}里说的话，认为属于"
            f"「{title_now(work.settings, finding)}」。请以后注意；有不同看法，可以直接找主管说明。"
        )
        return {"finding_id": finding.id, "userid": finding.agent.userid, "text": text}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_text(payload["userid"], payload["text"]).msgid}


def _wait_for_work_hours(work: Work) -> None:
    if shifts := work.settings.calendar.shifts(work.now):
        raise PostponedError((shifts[-1].to - work.now).total_seconds())


def _words(work: Work, rows: Sequence[ConductFinding], base_url: str) -> str:
    counts = Counter((row.agent.shown_name, title_now(work.settings, row)) for row in rows)
    lines = [f"{name}：{title} {count} 条" for (name, title), count in counts.most_common(MOST_LISTED)]
    if len(counts) > MOST_LISTED:
        lines.append("……")
    return "\n".join(
        [
            f"有 {len(rows)} 条员工说的话请您看一看，是属实还是误判：",
            *lines,
            f"打开看前后文：{base_url}/conduct",
        ]
    )
