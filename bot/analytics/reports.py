"""Reports: tables that say what they count and over which time; computed behind the pages and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy.orm import Session

from bot.analytics.agents import tables as agent_tables
from bot.analytics.sops import tables as sop_tables
from bot.analytics.stages import tables as stage_tables
from bot.analytics.table import ReportTable, Scope
from bot.analytics.tags import tables as tag_tables
from bot.platform.config.settings import Settings
from bot.platform.database.store import Store
from bot.platform.models import Report

PERIODS = (7, 30, 90)  # days
FRESH = timedelta(minutes=15)
Maker = Callable[[Session, Settings, Scope], list[ReportTable]]

REPORTS: dict[str, tuple[str, Maker]] = {
    "stages": ("阶段", stage_tables),
    "sops": ("SOP", sop_tables),
    "tags": ("标签", tag_tables),
    "agents": ("员工", agent_tables),
}
"""By its name in addresses: the title and what makes it."""


def kept(session: Session, key: str) -> Report | None:
    """The report as it was last computed."""
    return session.get(Report, key)


def compute(
    store: Store, settings: Settings, name: str, days: int, agents: Collection[int] | None, now: datetime
) -> None:
    """Compute a report and keep it. agents: only of these agents' customers; None means of all."""
    scope = Scope(now - timedelta(days=days), now, None if agents is None else frozenset(agents))
    with store.read() as session:
        tables = REPORTS[name][1](session, settings, scope)
    rows = [table.as_kept() for table in tables]
    with store.write() as session:
        session.merge(Report(key=key_of(name, days, agents), at=now, tables=rows))


def key_of(name: str, days: int, agents: Collection[int] | None) -> str:
    """Under which name a report is kept: whoever sees the same agents shares it."""
    if agents is None:
        return f"{name}/{days}/all"
    seen = ",".join(map(str, sorted(agents)))
    return f"{name}/{days}/{sha256(seen.encode()).hexdigest()[:16]}"
