"""Report on conduct: what rules about agents' words found, by rule, agent and week, and how often rightly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportTable, share
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, ConductFinding
from taggers.conduct import titles_of

_COLUMNS: list[tuple[str, Any]] = [
    ("发现", "number"), ("属实", "number"), ("误判", "number"), ("还没判断", "number"), ("准确率", "share"),
]  # fmt: skip
_NONE = "这段时间里没有发现"


@dataclass
class _Count:
    """Findings of one rule, agent or week."""

    found: int = 0
    right: int = 0
    wrong: int = 0

    def cells(self) -> list[Any]:
        judged = self.right + self.wrong
        return [self.found, self.right, self.wrong, self.found - judged, share(self.right, judged)]


Found = tuple[str, str, str, date, str]
"""One finding: its rule and that rule's title then, the agent's name, the Monday of its week, the word on it."""


def conduct_tables(session: Session, settings: Settings, which: ColumnElement[bool]) -> list[ReportTable]:
    """The three tables of the findings of this condition; what was only tried does not count."""
    titles = titles_of(settings.tables.rules)
    rows = list(_read(session, settings, which))
    by_rule = _counted(rows, lambda row: titles.get(row[0], row[1]))
    by_agent = _counted(rows, lambda row: row[2])
    by_week = _counted(rows, lambda row: row[3])
    return [
        _table("rules", "按规则", "规则", _largest(by_rule), {"kind": "bars", "columns": [1], "most": 20}),
        _table("agents", "按员工", "员工", _largest(by_agent), {"kind": "stack", "columns": [2, 3, 4]}),
        _table("weeks", "按周", "周一", _by_time(by_week), None),
    ]


def _read(session: Session, settings: Settings, which: ColumnElement[bool]) -> Iterable[Found]:
    query = (
        select(
            ConductFinding.rule_id, ConductFinding.title, Agent.name, Agent.userid, ConductFinding.said_at,
            ConductFinding.judged,
        )
        .join(Agent, Agent.id == ConductFinding.agent_id)
        .where(which, ConductFinding.shadow.is_(False))
    )  # fmt: skip
    for rule_id, title, name, userid, said_at, judged in session.execute(query.execution_options(yield_per=5000)):
        day = settings.calendar.local(said_at).date()
        yield rule_id, title, name or userid, day - timedelta(days=day.weekday()), judged


def _counted(rows: Iterable[Found], key: Callable[[Found], Any]) -> dict[Any, _Count]:
    found: dict[Any, _Count] = {}
    for row in rows:
        count = found.setdefault(key(row), _Count())
        count.found += 1
        count.right += row[4] == "right"
        count.wrong += row[4] == "wrong"
    return found


def _largest(counts: Mapping[str, _Count]) -> list[list[Any]]:
    return [[name, *one.cells()] for name, one in sorted(counts.items(), key=lambda item: (-item[1].found, item[0]))]


def _by_time(counts: Mapping[date, _Count]) -> list[list[Any]]:
    """Every week from the first to the last: one without a finding is news as well."""
    if not counts:
        return []
    first, weeks = min(counts), (max(counts) - min(counts)).days // 7
    days = [first + timedelta(weeks=number) for number in range(weeks + 1)]
    return [[day.isoformat(), *counts.get(day, _Count()).cells()] for day in days]


def _table(name: str, title: str, what: str, rows: list[list[Any]], chart: dict[str, Any] | None) -> ReportTable:
    return ReportTable(
        name=name,
        title=title,
        says="员工说的话被言行规则听到的次数。准确率＝属实 ÷（属实＋误判），只按主管点过的算。",
        columns=[(what, "text"), *_COLUMNS],
        rows=rows,
        chart=chart,
        nothing=_NONE,
    )
