"""Report table: rows, a sentence that says what they count, and the chart drawn from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from bot.platform.models import Follow

CellKind = Literal["text", "word", "number", "share", "seconds", "interval"]
_NUMBERS = ("number", "share", "seconds")
_LEAST_DRAWN = 18  # seconds: half of a hundredth of an hour, which is what charts round to
NOTHING = "这段时间里还没有数据"


@dataclass(frozen=True)
class ReportScope:
    """The period a report counts, and the agents whose customers it counts (None: all). inside: who is in the segment
    that is asked for, as ids; None where everybody counts."""

    since: datetime
    until: datetime
    agents: frozenset[int] | None
    inside: Select[int] | None = None

    def holds(self, at: Any) -> ColumnElement[bool]:
        """A condition: within the period."""
        within: ColumnElement[bool] = (at >= self.since) & (at < self.until)
        return within

    def customers(self, customer_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A condition: a customer whom one of these agents has, and who is in the segment."""
        if self.agents is None:
            return self.members(customer_id)
        theirs: Select[int] = select(Follow.customer_id).where(
            Follow.agent_id.in_(self.agents), Follow.ended_at.is_(None)
        )
        return and_(customer_id.in_(theirs), self.members(customer_id))

    def members(self, customer_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A condition: a customer in the segment."""
        return true() if self.inside is None else customer_id.in_(self.inside)

    def agent(self, agent_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A condition: one of these agents."""
        return true() if self.agents is None else agent_id.in_(self.agents)


@dataclass(frozen=True)
class ReportTable:
    """One table. Cells by kind: share in 0..1, seconds as numbers, interval as (low, high) of a share; None: no data.

    title and says (what is counted, in a sentence) and cells of kind word are Chinese as the catalogues have it;
    `values` fill the {names} in them. chart: what static/reports.js draws from it, None for a table alone; its
    columns are those whose numbers are drawn. nothing: what is said where every number of the table is zero.
    """

    name: str
    title: str
    says: str
    columns: list[tuple[str, CellKind]]
    rows: list[list[Any]]
    chart: dict[str, Any] | None = None
    values: dict[str, Any] = field(default_factory=dict)
    nothing: str = NOTHING

    def as_stored(self) -> dict[str, Any]:
        """Plain data for the pages: no rows where all of them are zeros, no chart where it would draw only zeros."""
        kept = asdict(self)
        numbers = [place for place, (_title, kind) in enumerate(self.columns) if kind in _NUMBERS]
        if not self._any_in(numbers):
            kept["rows"] = []
        if self.chart and not self._any_in(self.chart["columns"], _LEAST_DRAWN):
            kept["chart"] = None
        return kept

    def _any_in(self, columns: Collection[int], least_seconds: float = 0) -> bool:
        least = {place: least_seconds if self.columns[place][1] == "seconds" else 0 for place in columns}
        return any((row[place] or 0) > least[place] for row in self.rows for place in columns)


def median_seconds(lengths: Collection[timedelta]) -> float | None:
    """The median in seconds; None without values."""
    return median(length.total_seconds() for length in lengths) if lengths else None


def percentile_90(lengths: Collection[timedelta]) -> float | None:
    """The 90th percentile in seconds; None with fewer than ten values."""
    if len(lengths) < 10:
        return None
    return quantiles((length.total_seconds() for length in lengths), n=10)[-1]


def share(part: int, whole: int) -> float | None:
    """The share part / whole; None where whole is 0."""
    return part / whole if whole else None
