"""What a report is asked for: its dates, teams, agents, channel and pipeline, as they stand in the address."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.members import below
from bot.analytics.reports import PERIODS, REPORTS, ReportRequest
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Customer, Department

USUAL_DAYS = 30
LONGEST = timedelta(days=366)
MOST_CHANNELS = 200


@dataclass(frozen=True)
class Choice:
    """One entry of a selection: its value in the address, its words, whether it is chosen."""

    value: str
    words: str
    chosen: bool


@dataclass(frozen=True)
class ReportQuery:
    """What the address says. start, end: local days, both or none; team: a department's id, agent: an agent's."""

    name: str
    days: int
    start: date | None = None
    end: date | None = None
    team: str = ""
    agent: str = ""
    channel: str = ""
    pipeline: str = ""
    compared: bool = False

    @property
    def args(self) -> dict[str, Any]:
        """As it stands in the address, without the report's name."""
        dates = {"from": self.start.isoformat(), "to": self.end.isoformat()} if self.start and self.end else {}
        usual = {"days": str(self.days)} if not dates else {}
        chosen = {"team": self.team, "agent": self.agent, "channel": self.channel, "pipeline": self.pipeline}
        return {**usual, **dates, **{key: one for key, one in chosen.items() if one}, **self._comparison}

    @property
    def _comparison(self) -> dict[str, str]:
        return {"compare": "1"} if self.compared else {}

    @property
    def is_narrowed(self) -> bool:
        """Whether more is asked for than one of the usual periods."""
        return set(self.args) != {"days"}

    def request(self, session: Session, visible: Collection[int] | None) -> ReportRequest:
        """What is to be computed: never of more agents than the visitor may see."""
        dates = (self.start, self.end) if self.start and self.end else None
        agents = self._agents(session, visible)
        return ReportRequest(self.name, self.days, agents, dates, self.channel, self.pipeline, self.compared)

    def _agents(self, session: Session, visible: Collection[int] | None) -> Collection[int] | None:
        found: set[int] | None = None if visible is None else set(visible)
        wanted = []
        if self.team:
            wanted.append(_of_team(session, int(self.team)))
        if self.agent:
            wanted.append({int(self.agent)})
        for some in wanted:
            found = some if found is None else found & some
        return found


def read_query(name: str, given: Mapping[str, str], settings: Settings) -> ReportQuery:
    """The query of an address; 404 for a report, a period or a number that does not exist."""
    days = given.get("days", str(USUAL_DAYS))
    numbers = {key: given.get(key, "") for key in ("team", "agent")}
    known = days.isascii() and days.isdigit() and name in REPORTS and int(days[:4]) in PERIODS
    if not known or not all(one == "" or _is_id(one) for one in numbers.values()):
        abort(404)
    start, end = _day(given.get("from", "")), _day(given.get("to", ""))
    if start and end:
        start, end = min(start, end), max(start, end)
        end = min(end, start + LONGEST)
    pipelines = {pipeline.name for pipeline in settings.pipelines}
    return ReportQuery(
        name=name,
        days=int(days),
        start=start if end else None,
        end=end if start else None,
        channel=given.get("channel", "")[:64],
        pipeline=given.get("pipeline", "") if given.get("pipeline") in pipelines else "",
        compared=given.get("compare") == "1",
        **numbers,
    )


def choices(
    session: Session, settings: Settings, query: ReportQuery, visible: Collection[int] | None
) -> dict[str, Sequence[Choice]]:
    """What can be chosen: teams and agents the visitor may see, channels that occur, pipelines."""
    agents = select(Agent).where(Agent.id.in_(visible) if visible is not None else Agent.id.is_not(None))
    people = session.scalars(agents.order_by(Agent.name, Agent.id)).all()
    theirs = {department for one in people for department in one.departments}
    teams = session.scalars(
        select(Department).where(Department.gone_at.is_(None), Department.id.in_(theirs)).order_by(Department.id)
    )
    used = select(Customer.channel).where(Customer.channel.is_not(None), Customer.channel != "").distinct()
    channels = session.scalars(used.order_by(Customer.channel).limit(MOST_CHANNELS))
    return {
        "team": [Choice(str(one.id), one.name or str(one.id), str(one.id) == query.team) for one in teams],
        "agent": [Choice(str(one.id), one.shown_name, str(one.id) == query.agent) for one in people],
        "channel": [Choice(one, one, one == query.channel) for one in channels if one],
        "pipeline": [Choice(one.name, one.name, one.name == query.pipeline) for one in settings.pipelines],
    }


def _of_team(session: Session, team: int) -> set[int]:
    departments = below(session, [team])
    rows = session.execute(select(Agent.id, Agent.departments))
    return {agent_id for agent_id, theirs in rows if departments.intersection(theirs or ())}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
