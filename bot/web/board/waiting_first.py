"""Waiting first: a column's cards in the order in which customers began to wait, the others behind as ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, select, tuple_
from sqlalchemy.orm import Session

from bot.platform.models import Follow, Placement, UtcDateTime
from bot.web.board.filter import FilterConditions
from bot.web.board.position import Position

AT_ONCE = 2_000  # so many of those who wait are looked at before all of them are ranked
_WAITS = and_(Follow.waiting_since.is_not(None), Follow.ended_at.is_(None))


def put_waiting_first(
    session: Session,
    pipeline: str,
    wanted: FilterConditions,
    places: Mapping[str, Sequence[Position]],
    limits: Mapping[str, int],
) -> dict[str, list[Position]]:
    """The first places of each column: those who wait, the longest first, then the newest of the others."""
    waiting = _first_waiting(session, pipeline, wanted, {stage: limits[stage] for stage in places})
    ids = [place.customer_id for some in places.values() for place in some]
    wait = set(session.scalars(select(Follow.customer_id).where(_WAITS, Follow.customer_id.in_(ids))))
    return {
        stage: [*waiting.get(stage, ()), *(one for one in some if one.customer_id not in wait)][: limits[stage]]
        for stage, some in places.items()
    }


def _first_waiting(
    session: Session, pipeline: str, wanted: FilterConditions, limits: Mapping[str, int]
) -> dict[str, list[Position]]:
    """Of every column the first of those who wait.

    Those who wait longest of all mostly fill every column. Only where they do not are all who wait ranked.
    """
    most = max([0, *limits.values()])
    longest = session.execute(_longest(pipeline, wanted, AT_ONCE)).all()
    found = _by_stage(row for row in longest if row.stage is not None)
    if len(longest) < AT_ONCE or all(len(found.get(stage, ())) >= limit for stage, limit in limits.items()):
        return found
    return _by_stage(session.execute(_ranked(pipeline, wanted, most)))


def _by_stage(rows: Iterable[Any]) -> dict[str, list[Position]]:
    """The places of each column. Of several agents with whom a customer waits the first row counts: the longest."""
    found: dict[str, list[Position]] = {}
    seen: set[int] = set()
    for row in rows:
        if row.customer_id not in seen:
            seen.add(row.customer_id)
            found.setdefault(row.stage, []).append(Position(row.entered_at, row.customer_id, row.since))
    return found


def _longest(pipeline: str, wanted: FilterConditions, limit: int) -> Any:
    """The contacts in which those wanted wait longest, read off an index; with the column of who is on the board."""
    since = (
        select(Follow.customer_id, Follow.waiting_since.label("since"))
        .where(_WAITS, *wanted.among(Follow.customer_id))
        .order_by(Follow.waiting_since, Follow.customer_id)
        .limit(limit)
        .subquery()
    )
    here = and_(Placement.customer_id == since.c.customer_id, Placement.pipeline == pipeline)
    return (
        select(Placement.stage, Placement.entered_at, since.c.customer_id, since.c.since)
        .join_from(since, Placement, here, isouter=True)
        .order_by(since.c.since, since.c.customer_id)
    )


def _ranked(pipeline: str, wanted: FilterConditions, limit: int) -> Any:
    """All who wait, ranked in their column, by one statement."""
    since = _since()
    order = (since.c.since, Placement.customer_id)
    ranked = (
        select(
            Placement.stage,
            Placement.entered_at,
            Placement.customer_id,
            since.c.since,
            func.row_number().over(partition_by=Placement.stage, order_by=order).label("rank"),
        )
        .join(since, since.c.customer_id == Placement.customer_id)
        .where(Placement.pipeline == pipeline, *wanted.as_sets)
        .subquery()
    )
    return select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.rank)


def _since() -> Any:
    """Since when customers wait, of all who do; found by the index of those contacts alone."""
    return (
        select(Follow.customer_id, func.min(Follow.waiting_since).label("since"))
        .where(_WAITS)
        .group_by(Follow.customer_id)
        .subquery()
    )


def places_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position, limit: int
) -> Iterable[Position]:
    """The places of a column in this order that follow one of it."""
    found: list[Position] = []
    if after.waiting_since is not None:
        found = _waiting_after(session, pipeline, stage, wanted, after, limit)
    if len(found) < limit:
        start = after if after.waiting_since is None else None
        found += _others_after(session, pipeline, stage, wanted, start, limit - len(found))
    return found


def _waiting_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position, limit: int
) -> list[Position]:
    since = _since()
    start = tuple_(literal(after.waiting_since, UtcDateTime()), literal(after.customer_id))
    query = (
        select(Placement.entered_at, Placement.customer_id, since.c.since)
        .join(since, since.c.customer_id == Placement.customer_id)
        .where(Placement.pipeline == pipeline, Placement.stage == stage, *wanted.as_sets)
        .where(tuple_(since.c.since, Placement.customer_id) > start)
        .order_by(since.c.since, Placement.customer_id)
        .limit(limit)
    )
    return [Position(row.entered_at, row.customer_id, row.since) for row in session.execute(query)]


def _others_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position | None, limit: int
) -> list[Position]:
    waits: ColumnElement[bool] = exists().where(Follow.customer_id == Placement.customer_id, _WAITS)
    query = select(Placement.entered_at, Placement.customer_id).where(
        Placement.pipeline == pipeline, Placement.stage == stage, ~waits, *wanted.as_questions
    )
    if after is not None:
        start = tuple_(literal(after.entered_at, UtcDateTime()), literal(after.customer_id))
        query = query.where(tuple_(Placement.entered_at, Placement.customer_id) < start)
    query = query.order_by(Placement.entered_at.desc(), Placement.customer_id.desc()).limit(limit)
    return [Position(row.entered_at, row.customer_id) for row in session.execute(query)]
