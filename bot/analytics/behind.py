"""Behind a figure: the customers whom one cell of a report counts, found by the same conditions as the figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from bot.analytics.cohorts import moved_on
from bot.analytics.stages import reached
from bot.analytics.table import ReportScope
from bot.analytics.waits import read_waits
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Placement, SopEnrolment, SopTask, StageMove, Tagging, UtcDateTime
from sop.pipeline import Pipeline


@dataclass(frozen=True)
class Figure:
    """A cell: its table, the cells that name its row, its column."""

    table: str
    row: tuple[str, ...]
    column: int

    @property
    def kind(self) -> str:
        """The table without the number of its pipeline."""
        kind, _, number = self.table.rpartition("-")
        return kind if number.isdigit() else self.table


Where = tuple[Session, Settings, ReportScope, Figure]


def customers_behind(session: Session, settings: Settings, scope: ReportScope, figure: Figure) -> set[int] | None:
    """Their ids; None where there is no such figure, or none that counts customers."""
    kind = figure.kind
    if kind not in _FINDERS or figure.column not in COUNTED[kind] or len(figure.row) < _NAMED.get(kind, 1):
        return None
    return _FINDERS[kind]((session, settings, scope, figure))


def _pipeline(settings: Settings, figure: Figure) -> Pipeline | None:
    number = int(figure.table.rpartition("-")[2])
    return settings.pipelines[number] if number < len(settings.pipelines) else None


def _ids(session: Session, column: Any, *conditions: Any) -> set[int]:
    return set(session.scalars(select(column).where(*conditions).distinct()))


def _funnel(where: Where) -> set[int] | None:
    session, settings, scope, figure = where
    pipeline = _pipeline(settings, figure)
    if pipeline is None:
        return None
    road, farthest = reached(session, pipeline, scope)
    if figure.row[0] not in road:
        return None
    place = road.index(figure.row[0])
    return {customer for customer, far in farthest.items() if far >= place}


def _moves(where: Where) -> set[int] | None:
    session, settings, scope, figure = where
    pipeline = _pipeline(settings, figure)
    if pipeline is None:
        return None
    mine = (
        StageMove.pipeline == pipeline.name,
        scope.holds(StageMove.moved_at),
        scope.customers(StageMove.customer_id),
    )
    if figure.kind == "flows":
        before, after = figure.row[:2]
        came = StageMove.from_stage == before if before else StageMove.from_stage.is_(None)
        return _ids(session, StageMove.customer_id, *mine, came, StageMove.to_stage == after)
    stage, reason = figure.row[:2]
    rows = session.execute(select(StageMove.customer_id, StageMove.reason).where(*mine, StageMove.to_stage == stage))
    return {customer for customer, said in rows if (said or "") == reason}  # sealed: compared here


def _stays(where: Where) -> set[int] | None:
    session, settings, scope, figure = where
    pipeline, stage = _pipeline(settings, figure), figure.row[0]
    if pipeline is None:
        return None
    if figure.column == _STANDING:
        here = Placement.pipeline == pipeline.name, Placement.stage == stage, scope.customers(Placement.customer_id)
        return _ids(session, Placement.customer_id, *here)
    went = func.lead(StageMove.moved_at, type_=UtcDateTime()).over(
        partition_by=StageMove.customer_id, order_by=StageMove.serial
    )
    stays = (
        select(StageMove.customer_id, StageMove.to_stage, went.label("went"))
        .where(StageMove.pipeline == pipeline.name, scope.customers(StageMove.customer_id))
        .subquery()
    )
    return _ids(session, stays.c.customer_id, stays.c.to_stage == stage, scope.holds(stays.c.went))


def _tags(where: Where) -> set[int] | None:
    session, _settings, scope, figure = where
    of_column: dict[int, ColumnElement[bool]] = {
        3: Tagging.by == "rule",
        4: Tagging.by != "rule",
        5: Tagging.removed_at.is_(None),
    }
    mine = Tagging.tag == figure.row[0], scope.holds(Tagging.tagged_at), scope.customers(Tagging.customer_id)
    more = [of_column[figure.column]] if figure.column in of_column else []
    return _ids(session, Tagging.customer_id, *mine, *more)


def _steps(where: Where) -> set[int] | None:
    session, settings, scope, figure = where
    title, step = figure.row[:2]
    if not step.isdigit():
        return None
    ids = [sop.id for sop in settings.tables.sops if (sop.title or sop.id) == title] or [title]
    of_column: dict[int, ColumnElement[bool]] = {
        3: SopTask.delivered_at.is_not(None),
        4: SopTask.completed_at.is_not(None),
        6: SopTask.replied_at.is_not(None),
        8: moved_on(),
        9: SopTask.state.in_(("expired", "cancelled", "failed")),
    }
    begun = select(SopEnrolment.id).where(SopEnrolment.sop_id.in_(ids))
    mine = scope.holds(SopTask.due_at), scope.task(), SopTask.step == int(step) - 1, SopTask.enrolment_id.in_(begun)
    more = [of_column[figure.column]] if figure.column in of_column else []
    return _ids(session, SopTask.customer_id, *mine, *more)


def _prompts(where: Where) -> set[int] | None:
    session, _settings, scope, figure = where
    sent = SopTask.completed_at.is_not(None)
    of_column: dict[int, ColumnElement[bool]] = {
        2: sent,
        4: and_(sent, SopTask.outcome == "edited"),
        5: and_(sent, SopTask.timing == "late"),
        6: SopTask.rejected_because.is_not(None),
        7: and_(SopTask.state == "expired", SopTask.rejected_because.is_(None)),
        8: SopTask.state == "delivered",
    }
    mine = scope.holds(SopTask.delivered_at), scope.task(), SopTask.agent_id.in_(_named(session, figure.row[0]))
    more = [of_column[figure.column]] if figure.column in of_column else []
    return _ids(session, SopTask.customer_id, *mine, *more)


def _waits(where: Where) -> set[int] | None:
    session, settings, scope, figure = where
    theirs = _named(session, figure.row[0])
    found = [one for one in read_waits(session, settings, scope) if one.agent_id in theirs]
    wanted: dict[int, Callable[[bool], bool]] = {1: lambda _: True, 2: lambda answered: answered, 3: lambda a: not a}
    return {one.customer_id for one in found if wanted[figure.column](one.length is not None)}


def _named(session: Session, name: str) -> Sequence[int]:
    """The agents whom a report calls so."""
    shown = func.coalesce(func.nullif(Agent.name, ""), Agent.userid)
    return session.scalars(select(Agent.id).where(shown == name)).all()


_STANDING = 4  # the column of those who are in a stage now
_NAMED = {"flows": 2, "reasons": 2, "steps": 2}  # how many cells name a row; one else
_FINDERS: dict[str, Callable[[Where], set[int] | None]] = {
    "funnel": _funnel, "flows": _moves, "reasons": _moves, "times": _stays, "tags": _tags, "steps": _steps,
    "prompts": _prompts, "waits-agents": _waits,
}  # fmt: skip
COUNTED: dict[str, tuple[int, ...]] = {
    "funnel": (1,), "flows": (2,), "reasons": (2,), "times": (1, _STANDING), "tags": (1, 3, 4, 5),
    "steps": (2, 3, 4, 6, 8, 9), "prompts": (1, 2, 4, 5, 6, 7, 8), "waits-agents": (1, 2, 3),
}  # fmt: skip
"""By kind of table the columns whose figures can be opened."""
