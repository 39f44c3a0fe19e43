"""Sorting: a column's cards in the order that is asked for, those who have no place in it behind as ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, and_, func, literal, select, tuple_
from sqlalchemy.orm import Session

from bot.platform.models import Placement, UtcDateTime
from bot.web.board.filter import FilterConditions
from bot.web.board.orders import Order
from bot.web.board.position import Position

AT_ONCE = 2_000  # so many rows are looked at from the first one on, before a column that lacks cards is ranked

_Places = dict[str, list[Position]]


def put_in_order(
    session: Session,
    pipeline: str,
    wanted: FilterConditions,
    places: Mapping[str, Sequence[Position]],
    limits: Mapping[str, int],
) -> _Places:
    """The first places of each column: by the order asked for, then the newest of the others.

    places: the newest ones of each column, as many as are wanted, or all it has.
    """
    order = wanted.order
    assert order is not None
    whole = {stage: some for stage, some in places.items() if len(some) < limits[stage]}
    ordered = _first(session, pipeline, wanted, {stage: limits[stage] for stage in places if stage not in whole})
    values = _values(session, order, pipeline, [one.customer_id for some in places.values() for one in some])
    for stage, some in whole.items():
        ordered[stage] = _in_order(order, [_valued(one, values) for one in some if one.customer_id in values])
    return {
        stage: [*ordered.get(stage, ()), *(one for one in some if one.customer_id not in values)][: limits[stage]]
        for stage, some in places.items()
    }


def _values(session: Session, order: Order, pipeline: str, customer_ids: Sequence[int]) -> dict[int, Any]:
    """The values of these customers, of those who have one."""
    cards = order.among_cards(Placement.pipeline == pipeline, Placement.customer_id.in_(customer_ids))
    return {row.customer_id: row.by for row in session.execute(select(cards.c.customer_id, cards.c.by))}


def _valued(place: Position, values: Mapping[int, Any]) -> Position:
    return Position(place.entered_at, place.customer_id, values[place.customer_id])


def _in_order(order: Order, places: Iterable[Position]) -> list[Position]:
    return sorted(places, key=_rank_of, reverse=order.falls)


def _rank_of(place: Position) -> Any:
    return place.by, place.customer_id


def _first(session: Session, pipeline: str, wanted: FilterConditions, limits: Mapping[str, int]) -> _Places:
    """Of these columns the first cards by the order.

    The first of all mostly fill every column. Only columns that they do not fill are ranked.
    """
    if not limits:
        return {}
    rows = session.execute(_first_of_all(pipeline, wanted)).all()
    found = _by_stage(row for row in rows if row.stage in limits)
    lacking = [stage for stage, limit in limits.items() if len(found.get(stage, ())) < limit]
    if len(rows) < AT_ONCE or not lacking:
        return found
    most = max(limits[stage] for stage in lacking)
    return found | _by_stage(session.execute(_ranked(pipeline, wanted, lacking, most)))


def _by_stage(rows: Iterable[Any]) -> _Places:
    found: _Places = {}
    seen = set[int]()
    for row in rows:
        if row.customer_id not in seen:
            seen.add(row.customer_id)
            found.setdefault(row.stage, []).append(Position(row.entered_at, row.customer_id, row.by))
    return found


def _first_of_all(pipeline: str, wanted: FilterConditions) -> Any:
    """Those wanted who come first; with their column where they are on the board."""
    order = wanted.order
    assert order is not None
    first = order.first(wanted.who, AT_ONCE).subquery()
    here = and_(Placement.customer_id == first.c.customer_id, Placement.pipeline == pipeline)
    return (
        select(Placement.stage, Placement.entered_at, first.c.customer_id, first.c.by)
        .join_from(first, Placement, here, isouter=True)
        .order_by(*order.directed(first.c.by, first.c.customer_id))
    )


def _ranked(pipeline: str, wanted: FilterConditions, stages: Collection[str], limit: int) -> Any:
    """All of some columns who have a value, ranked by one statement."""
    order = wanted.order
    assert order is not None
    here = (Placement.pipeline == pipeline, Placement.stage.in_(stages))
    cards = order.among_cards(*here, *wanted.as_sets)
    by_order = order.directed(cards.c.by, cards.c.customer_id)
    rank = func.row_number().over(partition_by=cards.c.stage, order_by=by_order)
    ranked = select(cards, rank.label("rank")).subquery()
    return select(ranked).where(ranked.c.rank <= limit).order_by(ranked.c.rank)


def places_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position, limit: int
) -> Iterable[Position]:
    """The places of a column in this order that follow one of it."""
    found: list[Position] = []
    if after.by is not None:
        found = _ordered_after(session, pipeline, stage, wanted, after, limit)
    if len(found) < limit:
        start = after if after.by is None else None
        found += _others_after(session, pipeline, stage, wanted, start, limit - len(found))
    return found


def _ordered_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position, limit: int
) -> list[Position]:
    order = wanted.order
    assert order is not None
    kind: Any = Integer() if isinstance(after.by, int) else UtcDateTime()
    here = (Placement.pipeline == pipeline, Placement.stage == stage)
    cards = order.among_cards(*here, *wanted.as_sets)
    place = tuple_(cards.c.by, cards.c.customer_id)
    start = tuple_(literal(after.by, kind), literal(after.customer_id))
    query = (
        select(cards)
        .where(place < start if order.falls else place > start)
        .order_by(*order.directed(cards.c.by, cards.c.customer_id))
        .limit(limit)
    )
    return [Position(row.entered_at, row.customer_id, row.by) for row in session.execute(query)]


def _others_after(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position | None, limit: int
) -> list[Position]:
    order = wanted.order
    assert order is not None
    query = select(Placement.entered_at, Placement.customer_id).where(
        Placement.pipeline == pipeline, Placement.stage == stage, ~order.known, *wanted.as_questions
    )
    if after is not None:
        start = tuple_(literal(after.entered_at, UtcDateTime()), literal(after.customer_id))
        query = query.where(tuple_(Placement.entered_at, Placement.customer_id) < start)
    query = query.order_by(Placement.entered_at.desc(), Placement.customer_id.desc()).limit(limit)
    return [Position(row.entered_at, row.customer_id) for row in session.execute(query)]
