"""Reports: tables that say what they count and over which time; computed in the background and stored."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Select
from sqlalchemy.orm import Session

from bot.analytics.agents import tables as agent_tables
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
    "sops": ("SOP", sop_tables),
    "tags": ("标签", tag_tables),
    "agents": ("员工", agent_tables),
    "waits": ("等回复", wait_tables),
}
"""By its name in addresses: the title and what makes it."""


@dataclass(frozen=True)
class ReportRequest:
    """Which report, over how many days, of which agents' customers (None: of all).

    cut: the segment whose customers alone count, in words that change where its conditions do; inside: their ids.
    """

    name: str
    days: int
    agents: Collection[int] | None
    cut: str = ""
    inside: Select[int] | None = None

    @property
    def key(self) -> str:
        """The key it is stored under; people who see the same agents share one report."""
        whose = "all"
        if self.agents is not None:
            whose = sha256(",".join(map(str, sorted(self.agents))).encode()).hexdigest()[:16]
        cut = f"/{sha256(self.cut.encode()).hexdigest()[:12]}" if self.cut else ""
        return f"{self.name}/{self.days}/{whose}{cut}"


def stored_report(session: Session, key: str) -> Report | None:
    """The report as it was last computed."""
    return session.get(Report, key)


def compute(store: Store, settings: Settings, request: ReportRequest, now: datetime) -> None:
    """Compute a report and store it. Two transactions, so that the long reads hold no write lock."""
    agents = None if request.agents is None else frozenset(request.agents)
    scope = ReportScope(now - timedelta(days=request.days), now, agents, request.inside)
    with store.read() as session:
        tables = REPORTS[request.name][1](session, settings, scope)
    rows = [table.as_stored() for table in tables]
    with store.write() as session:
        session.merge(Report(key=request.key, at=now, tables=rows))
