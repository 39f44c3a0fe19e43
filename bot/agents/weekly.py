"""Weekly summary: on the first working day of a week leaders get a card with their team's last week."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot.agents.reading import reader_of_agent
from bot.analytics.table import ReportScope
from bot.analytics.week import WeekFigures, week_figures
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.database.store import get_status, set_status
from bot.platform.models import Agent, Outbox
from bot.platform.models.columns import new_ref
from bot.platform.work import About, Work
from bot.wecom.cards import list_notice
from sop.workcalendar import Workcalendar

if TYPE_CHECKING:
    from bot.system import System

STATUS = KIND = "week"
_AFTER = timedelta(minutes=10)  # the list of the day comes first
_TOO_LATE = timedelta(hours=8)
_WEEK = timedelta(days=7)


def put_weeks(work: Work) -> int:
    """Put out the summaries once their hour has come; returns how many. None in a week that begins too late."""
    calendar = work.settings.calendar
    day = calendar.local(work.now).date()
    begins = calendar.instant(day, work.settings.tables.budget.digest_at) + _AFTER
    if not work.settings.workspace.weekly_summary or not begins <= work.now < begins + _TOO_LATE:
        return 0
    monday = day - timedelta(days=day.weekday())
    status = get_status(work.session, STATUS)
    if (status is not None and status.value["week"] >= monday.isoformat()) or not is_first_workday(calendar, day):
        return 0
    leaders = _leaders(work)
    for agent_id in leaders:
        key = f"{KIND}:{agent_id}:{monday.isoformat()}"
        row = work.send(KIND, key, {"week": (monday - _WEEK).isoformat()}, About(agent_id=agent_id))
        row.deadline = begins + _TOO_LATE
    set_status(work.session, STATUS, {"week": monday.isoformat()}, work.now)
    return len(leaders)


def is_first_workday(calendar: Workcalendar, day: date) -> bool:
    """Whether a day is worked on, and none before it in its week is."""
    earlier = (day - timedelta(days=back) for back in range(1, day.weekday() + 1))
    return calendar.is_workday(day) and not any(calendar.is_workday(one) for one in earlier)


def _leaders(work: Work) -> list[int]:
    """Who leads a department, and who the config names."""
    named = {userid.casefold() for userid in work.settings.tables.overdue.leaders}
    people = work.session.execute(select(Agent.id, Agent.key, Agent.leads).where(Agent.left_at.is_(None)))
    return sorted(agent_id for agent_id, key, leads in people if leads or key in named)


class SendWeek(OutboxHandler):
    """Sends a leader the week of those whose customers they may read about."""

    repeats_show = True

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        if "card" in row.payload:
            return row.payload
        agent = work.session.get_one(Agent, row.agent_id)
        monday = date.fromisoformat(row.payload["week"])
        through = reader_of_agent(work.session, agent.id, work.now).through
        scope = _scope(work, monday, None if through is None else frozenset(through))
        now, then = (week_figures(work.session, work.settings, one) for one in (scope, scope.before))
        if not (any(vars(now).values()) or any(vars(then).values())):
            raise NotNeededError("上周没有可以说的")
        return {**row.payload, "userid": agent.userid, "card": _card(system, monday, now, then)}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"msgid": system.wecom.send_card(payload["userid"], payload["card"]).msgid}


def _scope(work: Work, monday: date, agents: frozenset[int] | None) -> ReportScope:
    since, until = (work.settings.calendar.instant(day, datetime.min.time()) for day in (monday, monday + _WEEK))
    return ReportScope(since, until, agents)


def _card(system: System, monday: date, now: WeekFigures, then: WeekFigures) -> dict[str, Any]:
    sunday = monday + timedelta(days=6)
    figures = [
        ("新客户", now.new, then.new), ("移动", now.moves, then.moves), ("成交", now.won, then.won),
        ("流失", now.lost, then.lost), ("跟进发出", now.sent, then.sent), ("客户回复", now.replied, then.replied),
    ]  # fmt: skip
    return list_notice(
        task_id=f"week_{new_ref()}",
        title=f"上周小结 {monday.month}月{monday.day}日–{sunday.month}月{sunday.day}日",
        lines=[(name, f"{value}（前一周 {before}）") for name, value, before in figures],
        url=f"{system.environment.base_url}/reports?report=stages&from={monday}&to={sunday}&compare=1",
    )
