"""Reports: tables that say what they count and over which time; computed in the background and stored."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from bot.analytics.agents import tables as agent_tables
from bot.analytics.comparison import beside
from bot.analytics.growth import tables as growth_tables
from bot.analytics.pilot import tables as pilot_tables
from bot.analytics.sops import tables as sop_tables
from bot.analytics.stages import tables as stage_tables
from bot.analytics.table import ReportScope, ReportTable
from bot.analytics.tags import tables as tag_tables
from bot.analytics.waits import tables as wait_tables
from bot.platform.config.settings import Settings
from bot.platform.database.store import Store
from bot.platform.models import Report

PERIODS = (7, 30, 90)  # days
FRESH = timedelta(minutes=15)
Maker = Callable[[Session, Settings, ReportScope], list[ReportTable]]

REPORTS: dict[str, tuple[str, Maker]] = {
    "stages": ("阶段", stage_tables),
    "growth": ("增长", growth_tables),
    "sops": ("SOP", sop_tables),
    "tags": ("标签", tag_tables),
    "agents": ("员工", agent_tables),
    "waits": ("等回复", wait_tables),
    "pilot": ("试点", pilot_tables),
}
"""By its name in addresses: the title and what makes it."""


@dataclass(frozen=True)
class ReportRequest:
    """Which report, over how many days, of which agents' customers (None: of all).

    dates: the first and last day, local, in place of `days`. channel, pipeline: of which customers alone. compared:
    with the time of the same length before.
    """

    name: str
    days: int
    agents: Collection[int] | None
    dates: tuple[date, date] | None = None
    channel: str = ""
    pipeline: str = ""
    compared: bool = False

    @property
    def key(self) -> str:
        """The key it is stored under; people who see the same agents share one report."""
        whose = "all" if self.agents is None else _short(",".join(map(str, sorted(self.agents))))
        more = (self.dates and [day.isoformat() for day in self.dates], self.channel, self.pipeline, self.compared)
        usual = f"{self.name}/{self.days}/{whose}"
        return f"{usual}/{_short(repr(more))}" if any(more) else usual

    def scope(self, settings: Settings, now: datetime) -> ReportScope:
        agents = None if self.agents is None else frozenset(self.agents)
        since, until = now - timedelta(days=self.days), now
        if self.dates is not None:
            first, last = self.dates
            since = settings.calendar.instant(first, time.min)
            until = min(settings.calendar.instant(last + timedelta(days=1), time.min), now)
        return ReportScope(since, max(until, since), agents, self.channel, self.pipeline)


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def stored_report(session: Session, key: str) -> Report | None:
    """The report as it was last computed."""
    return session.get(Report, key)


def compute(store: Store, settings: Settings, request: ReportRequest, now: datetime) -> None:
    """Compute a report and store it. Two transactions, so that the long reads hold no write lock."""
    scope, make = request.scope(settings, now), REPORTS[request.name][1]
    with store.read() as session:
        tables = make(session, settings, scope)
        before = make(session, settings, scope.before) if request.compared else []
    then = {table.name: table for table in before}
    rows = [_stored(table, then.get(table.name), request.compared) for table in tables]
    with store.write() as session:
        session.merge(Report(key=request.key, at=now, tables=rows))


def _stored(table: ReportTable, before: ReportTable | None, compared: bool) -> dict[str, Any]:
    kept = table.as_stored()
    return {**kept, "before": beside(table, before)} if compared and kept["rows"] else kept
