"""Report table: rows, a sentence that says what they count, and the chart drawn from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import InstrumentedAttribute

from bot.platform.models import Customer, Follow, Placement, SopTask

CellKind = Literal["text", "word", "number", "share", "seconds", "interval"]
_NUMBERS = ("number", "share", "seconds")
_LEAST_DRAWN = 18  # seconds: half of a hundredth of an hour, which is what charts round to
NOTHING = "这段时间里还没有数据"


@dataclass(frozen=True)
class ReportScope:
    """The period a report counts, the agents whose customers it counts (None: all), and, where given, only customers
    who came by a channel or stand in a pipeline."""

    since: datetime
    until: datetime
    agents: frozenset[int] | None
    channel: str = ""
    pipeline: str = ""

    @property
    def before(self) -> ReportScope:
        """The same over the time of the same length before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)

    def holds(self, at: Any) -> ColumnElement[bool]:
        """A condition: within the period."""
        within: ColumnElement[bool] = (at >= self.since) & (at < self.until)
        return within

    def customers(self, customer_id: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        """A condition: a customer whom one of these agents has, of this channel and pipeline."""
        if self.agents is None:
            return self.kind_of(customer_id)
        theirs: Select[int] = select(Follow.customer_id).where(
            Follow.agent_id.in_(self.agents), Follow.ended_at.is_(None)
        )
        return customer_id.in_(theirs) & self.kind_of(customer_id)

    def kind_of(self, customer_id: Any) -> ColumnElement[bool]:
        """A condition: a customer of this channel and pipeline, whoever has them."""
        found: ColumnElement[bool] = true()
        if self.channel:
            found &= customer_id.in_(select(Customer.id).where(Customer.channel == self.channel))
        if self.pipeline:
            found &= customer_id.in_(select(Placement.customer_id).where(Placement.pipeline == self.pipeline))
        return found

    def agent(self, agent_id: Any) -> ColumnElement[bool]:
        """A condition: one of these agents."""
        return true() if self.agents is None else agent_id.in_(self.agents)

    def task(self) -> ColumnElement[bool]:
        """A condition on SopTask: one of these agents', about such a customer."""
        return self.agent(SopTask.agent_id) & self.kind_of(SopTask.customer_id)


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
    keys: tuple[int, ...] = ()  # numbers that name the row as well
    present: tuple[int, ...] = ()  # columns that say how things are now, which no earlier time has

    def labels(self, row: list[Any]) -> tuple[Any, ...]:
        """What names a row: its first cell, and further ones in words, or numbers of a step."""
        words = [place for place, (_title, kind) in enumerate(self.columns) if kind in ("text", "word")]
        return tuple(row[place] for place in sorted({0, *words, *self.keys}))

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
