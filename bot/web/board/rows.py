"""The board's columns as values, by a number of queries that does not grow with the customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from bot.agents.questions import LATELY
from bot.customers.people import agent_names, carried_tags
from bot.platform import clock
from bot.platform.models import Customer, Follow, OpenQuestion, Placement, SopTask, UtcDateTime
from bot.web.board.filter import FilterConditions
from bot.web.board.orders import OVER
from bot.web.board.position import Position
from bot.web.board.sorting import places_after, put_in_order
from sop.pipeline import Pipeline, Stage

PAGE = 20
MOST_KEPT = 200  # cards of a column that are kept live; further ones stay as they were when scrolled to
_FETCHED_WHOLE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BoardCard:
    """A customer as the board shows them. serial: of their placement, which a move names, to be refused if old.

    sorted_by: the value the column is sorted by, where they have one.
    """

    customer_id: int
    name: str
    last_words: str
    entered_at: datetime
    opted_out: bool
    serial: int = 0
    score: int = 0
    activity: int = 0
    tags: tuple[str, ...] = ()
    agent: str = ""
    due_at: datetime | None = None
    waiting_since: datetime | None = None
    sorted_by: datetime | int | None = None
    questions: int = 0

    @property
    def position(self) -> Position:
        return Position(self.entered_at, self.customer_id, self.sorted_by)


@dataclass(frozen=True)
class Column:
    """A stage: how many stand there since when, and the newest of them. `kind`: road | beside | won | lost | gone.

    median_at: half of them entered later; None where a filter leaves too many to look at.
    """

    stage: str
    kind: str
    count: int = 0
    oldest_at: datetime | None = None
    median_at: datetime | None = None
    cards: tuple[BoardCard, ...] = ()

    @property
    def after(self) -> Position | None:
        """Where the next page begins; None where there is none."""
        return self.cards[-1].position if self.cards and self.count > len(self.cards) else None


def read_columns(
    session: Session, pipeline: Pipeline, wanted: FilterConditions, shown: Mapping[str, int] | None = None
) -> tuple[Column, ...]:
    """Every stage in the config's order, then those that only the database still knows. At most ten queries.

    shown: how many cards of a stage to give, where not the first page.
    """
    limits = _Limits({stage: max(PAGE, min(wish, MOST_KEPT)) for stage, wish in (shown or {}).items()})
    small = any((session.scalar(size) or 0) < wanted.worth_ranking for size in wanted.sizes)
    columns, places = (_ranked if small else _walked)(session, pipeline, wanted, limits)
    if wanted.order:
        places = put_in_order(session, pipeline.name, wanted, places, limits)
    cards = _cards(session, pipeline.name, [place for found in places.values() for place in found])
    return tuple(replace(c, cards=_in_order(places.get(c.stage, ()), cards, c.stage)) for c in columns)


def read_more(
    session: Session, pipeline: str, stage: str, wanted: FilterConditions, after: Position
) -> tuple[BoardCard, ...]:
    """The cards of a column that follow a place; one more than a page shows where there are still more."""
    if wanted.order:
        found = list(places_after(session, pipeline, stage, wanted, after, PAGE + 1))
        return _in_order(found, _cards(session, pipeline, found), stage)
    start = tuple_(literal(after.entered_at, UtcDateTime()), literal(after.customer_id))
    query = _walk(pipeline, stage, wanted).where(tuple_(Placement.entered_at, Placement.customer_id) < start)
    places = [Position(row.entered_at, row.customer_id) for row in session.execute(query.limit(PAGE + 1))]
    return _in_order(places, _cards(session, pipeline, places), stage)


class _Limits(dict[str, int]):
    """How many cards of each stage are wanted; one page unless more were asked for."""

    def __missing__(self, stage: str) -> int:
        return PAGE


_Found = tuple[list[Column], dict[str, list[Position]]]


def _ranked(session: Session, pipeline: Pipeline, wanted: FilterConditions, limits: _Limits) -> _Found:
    """Columns and positions by one statement that ranks everything the filter leaves; for few customers."""
    newest_first = (Placement.entered_at.desc(), Placement.customer_id.desc())
    rank = func.row_number().over(partition_by=Placement.stage, order_by=newest_first).label("rank")
    many = func.count().over(partition_by=Placement.stage).label("many")
    oldest = func.min(Placement.entered_at).over(partition_by=Placement.stage).label("oldest")
    placements = select(Placement.stage, Placement.entered_at, Placement.customer_id, rank, many, oldest)
    ranked = placements.where(Placement.pipeline == pipeline.name, *wanted.as_sets).subquery()
    a_page, the_middle = ranked.c.rank <= max([PAGE, *limits.values()]), ranked.c.rank == ranked.c.many // 2 + 1
    query = select(ranked).where(or_(a_page, the_middle)).order_by(ranked.c.rank)
    heads: dict[str, Column] = {}
    places: dict[str, list[Position]] = {}
    for row in session.execute(query):
        head = heads.setdefault(row.stage, Column(row.stage, "", row.many, row.oldest))
        if row.rank == row.many // 2 + 1:
            heads[row.stage] = replace(head, median_at=row.entered_at)
        if row.rank <= limits[row.stage]:
            places.setdefault(row.stage, []).append(Position(row.entered_at, row.customer_id))
    return _columns(pipeline, heads), places


def _walked(session: Session, pipeline: Pipeline, wanted: FilterConditions, limits: _Limits) -> _Found:
    """Columns and positions by counting first, then walking each column from its newest; for many customers.

    Columns of few cards are fetched whole: finding their median needs all of them anyway.
    """
    columns = _heads(session, pipeline, wanted)
    few = [c.stage for c in columns if 0 < c.count <= _FETCHED_WHOLE and not wanted.is_everything]
    many = [c for c in columns if c.count and c.stage not in few]
    places = _all_of(session, pipeline.name, few, wanted) | _newest(session, pipeline.name, many, limits, wanted)
    medians = {stage: found[len(found) // 2].entered_at for stage, found in places.items() if stage in few}
    if wanted.is_everything:
        medians = _medians(session, pipeline.name, many)
    first = {stage: found[: limits[stage]] for stage, found in places.items()}
    return [replace(c, median_at=medians.get(c.stage)) for c in columns], first


def _heads(session: Session, pipeline: Pipeline, wanted: FilterConditions) -> list[Column]:
    query = (
        select(Placement.stage, func.count(), func.min(Placement.entered_at))
        .where(Placement.pipeline == pipeline.name, *wanted.as_sets)
        .group_by(Placement.stage)
    )
    return _columns(pipeline, {stage: Column(stage, "", n, oldest) for stage, n, oldest in session.execute(query)})


def _columns(pipeline: Pipeline, found: Mapping[str, Column]) -> list[Column]:
    """Every stage in the config's order, then those that only the database still knows."""
    kinds = {stage.name: _kind(stage) for stage in pipeline.stages}
    kinds |= dict.fromkeys(sorted(found.keys() - kinds.keys()), "gone")
    return [replace(found.get(name, Column(name, kind)), kind=kind) for name, kind in kinds.items()]


def _kind(stage: Stage) -> str:
    if stage.won:
        return "won"
    if stage.lost:
        return "lost"
    return "beside" if stage.beside else "road"


def _all_of(
    session: Session, pipeline: str, stages: Sequence[str], wanted: FilterConditions
) -> dict[str, list[Position]]:
    """All cards of these stages."""
    if not stages:
        return {}
    query = select(Placement.stage, Placement.entered_at, Placement.customer_id).where(
        Placement.pipeline == pipeline, Placement.stage.in_(stages), *wanted.as_sets
    )
    found: dict[str, list[Position]] = {}
    for row in session.execute(query.order_by(Placement.entered_at.desc(), Placement.customer_id.desc())):
        found.setdefault(row.stage, []).append(Position(row.entered_at, row.customer_id))
    return found


def _newest(
    session: Session, pipeline: str, columns: Sequence[Column], limits: Mapping[str, int], wanted: FilterConditions
) -> dict[str, list[Position]]:
    """One statement of one index range per stage: sorting all placements would cost what the board has in all."""
    ranges = [_walk(pipeline, c.stage, wanted).limit(limits[c.stage]) for c in columns]
    found: dict[str, list[Position]] = {}
    for row in _together(session, ranges):
        found.setdefault(row.stage, []).append(Position(row.entered_at, row.customer_id))
    for places in found.values():
        places.sort(key=lambda place: (place.entered_at, place.customer_id), reverse=True)
    return found


def _medians(session: Session, pipeline: str, columns: Sequence[Column]) -> dict[str, datetime]:
    middles = [
        select(Placement.stage, Placement.entered_at)
        .where(Placement.pipeline == pipeline, Placement.stage == c.stage)
        .order_by(Placement.entered_at)
        .offset(c.count // 2)
        .limit(1)
        for c in columns
    ]
    return {row.stage: row.entered_at for row in _together(session, middles)}


def _walk(pipeline: str, stage: str, wanted: FilterConditions) -> Select[str, datetime, int]:
    return (
        select(Placement.stage, Placement.entered_at, Placement.customer_id)
        .where(Placement.pipeline == pipeline, Placement.stage == stage, *wanted.as_questions)
        .order_by(Placement.entered_at.desc(), Placement.customer_id.desc())
    )


def _together(session: Session, ranges: Iterable[Any]) -> Iterable[Any]:
    parts = [select(one.subquery()) for one in ranges]
    return session.execute(union_all(*parts)) if parts else ()


def _cards(session: Session, pipeline: str, places: Sequence[Position]) -> dict[int, BoardCard]:
    ids = [place.customer_id for place in places]
    if not ids:
        return {}
    waits = Follow.waiting_since.is_not(None), Follow.ended_at.is_(None)
    since = select(func.min(Follow.waiting_since)).where(Follow.customer_id == Placement.customer_id, *waits)
    lately = OpenQuestion.closed_at.is_(None), OpenQuestion.asked_at >= clock.now() - LATELY
    asked = (
        select(func.count())
        .select_from(OpenQuestion)
        .where(OpenQuestion.customer_id == Placement.customer_id, *lately)
    )
    waits_for = since.correlate(Placement).scalar_subquery(), asked.correlate(Placement).scalar_subquery()
    query = (
        select(Placement.serial, Customer, *waits_for)
        .join(Customer, Customer.id == Placement.customer_id)
        .where(Placement.customer_id.in_(ids), Placement.pipeline == pipeline)
    )
    tags, agents, due = carried_tags(session, ids), agent_names(session, ids), _next_due(session, ids)
    return {
        customer.id: BoardCard(
            customer_id=customer.id,
            name=customer.name,
            last_words=customer.last_words,
            entered_at=_EPOCH,
            opted_out=customer.opted_out_at is not None,
            serial=serial,
            score=customer.conversion,
            activity=customer.activity,
            tags=tags.get(customer.id, ()),
            agent=agents.get(customer.id, ""),
            due_at=due.get(customer.id),
            waiting_since=waiting,
            questions=questions,
        )
        for serial, customer, waiting, questions in session.execute(query)
    }


def _in_order(places: Iterable[Position], cards: Mapping[int, BoardCard], stage: str) -> tuple[BoardCard, ...]:
    """The cards of these places; the tag that the column is called by says nothing on them."""
    return tuple(
        replace(
            card,
            entered_at=place.entered_at,
            sorted_by=place.by,
            tags=tuple(tag for tag in card.tags if tag != stage),
        )
        for place in places
        if (card := cards.get(place.customer_id)) is not None
    )


def _next_due(session: Session, customer_ids: Sequence[int]) -> dict[int, datetime]:
    # "not in": with "in" SQLite walks the index by state through every waiting task there is.
    query = (
        select(SopTask.customer_id, func.min(SopTask.due_at))
        .where(SopTask.customer_id.in_(customer_ids), SopTask.state.not_in(OVER))
        .group_by(SopTask.customer_id)
    )
    return dict(session.execute(query).all())
