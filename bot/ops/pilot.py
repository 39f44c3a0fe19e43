"""The pilot's course: when it began, and after three days one message with what it showed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.analytics.pilot import tables
from bot.analytics.table import ReportScope, ReportTable
from bot.customers.identity import find_agents
from bot.platform.database.store import get_status, set_status
from bot.platform.work import About, Work
from sop.pilot import REPORTED_AFTER

STATUS = "pilot"


def watch_pilot(work: Work, base_url: str) -> int:
    """Note when a pilot begins and ends; three days on, within work hours, tell of it. Returns to how many."""
    row = get_status(work.session, STATUS)
    status = dict(row.value) if row is not None else {}
    pilot = work.settings.workspace.pilot
    if pilot is None:
        if status:
            set_status(work.session, STATUS, {}, work.now)
        return 0
    if not status:
        set_status(work.session, STATUS, {"since": work.now.isoformat(), "told": False}, work.now)
        return 0
    since = datetime.fromisoformat(status["since"])
    if status["told"] or work.now < since + REPORTED_AFTER or work.settings.calendar.shifts(work.now):
        return 0
    set_status(work.session, STATUS, {**status, "told": True}, work.now)
    return _tell(work, since, base_url)


def _tell(work: Work, since: datetime, base_url: str) -> int:
    found = tables(work.session, work.settings, ReportScope(since, work.now, None))
    text = f"{_words(found)}\n{base_url}/reports?report=pilot"
    readers = (*work.settings.tables.alarms.agents, *work.settings.tables.overdue.leaders)
    agents = find_agents(work.session, readers, work.now).values()
    for agent in agents:
        work.send("app_text", f"pilot:{since.isoformat()}:{agent.id}", {"text": text}, About(agent_id=agent.id))
    return len(agents)


def _words(found: Sequence[ReportTable]) -> str:
    agents, _kinds, rules = (table.rows for table in found)
    right, wrong = _sum(rules, 2), _sum(rules, 3)
    judged = f"{right + wrong} 次有人看过，{right} 次对" if right + wrong else "还没有人点过「正确」或「误判」"
    return (
        f"试点三天了：自动打标签 {_sum(agents, 2)} 次，自动移动 {_sum(agents, 3)} 次；"
        f"提醒发出 {_sum(agents, 4)} 条，按住 {_sum(agents, 5)} 条；"
        f"手机标签打上 {_sum(agents, 6)} 个，按住 {_sum(agents, 7)} 个。规则命中 {_sum(rules, 1)} 次，{judged}。"
    )


def _sum(rows: Sequence[Sequence[Any]], place: int) -> int:
    return sum(row[place] for row in rows)
