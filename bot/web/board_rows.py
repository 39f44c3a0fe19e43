"""The board's columns as values, by a number of queries that does not grow with the customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select, union_all
from sqlalchemy.orm import Session

from bot.models import Customer, Placement, SopTask
from bot.web.people_rows import agent_names, carried_tags
from sop.playbook import Pipeline, Stage

NEWEST = 50
_OVER = ("completed", "replied", "expired", "cancelled", "failed")


@dataclass(frozen=True)
class Card:
    """A customer as the board shows him."""

    customer_id: int
    name: str
    last_words: str
    entered_at: datetime
    opted_out: bool
    tags: tuple[str, ...] = ()
    agent: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True)
class Column:
    """A stage: how many stand there, and the newest of them. `kind`: road | beside | won | lost | gone."""

    stage: str
    kind: str
    count: int
    cards: tuple[Card, ...]


def read_columns(session: Session, pipeline: Pipeline) -> tuple[Column, ...]:
    """Every stage in the config's order, then those that only the database still knows. Five queries."""
    counts = _counts(session, pipeline)
    kinds = {stage.name: _kind(stage) for stage in pipeline.stages}
    kinds |= dict.fromkeys(sorted(counts.keys() - kinds.keys()), "gone")
    cards = _cards(session, pipeline.name, [name for name in kinds if counts.get(name)])
    return tuple(Column(name, kind, counts.get(name, 0), cards.get(name, ())) for name, kind in kinds.items())


def _counts(session: Session, pipeline: Pipeline) -> dict[str, int]:
    query = select(Placement.stage, func.count()).where(Placement.pipeline == pipeline.name)
    return dict(session.execute(query.group_by(Placement.stage)).all())


def _kind(stage: Stage) -> str:
    if stage.won:
        return "won"
    if stage.lost:
        return "lost"
    return "beside" if stage.beside else "road"


def _cards(session: Session, pipeline: str, stages: Sequence[str]) -> dict[str, tuple[Card, ...]]:
    if not stages:
        return {}
    rows = session.execute(_newest(pipeline, stages)).all()
    ids = [row.customer_id for row in rows]
    tags, agents, due = carried_tags(session, ids), agent_names(session, ids), _next_due(session, ids)
    found: dict[str, tuple[Card, ...]] = {}
    for row in rows:
        card = Card(
            customer_id=row.customer_id,
            name=row.name,
            last_words=row.last_words,
            entered_at=row.entered_at,
            opted_out=row.opted_out_at is not None,
            tags=tuple(tag for tag in tags.get(row.customer_id, ()) if tag != row.stage),
            agent=agents.get(row.customer_id, ""),
            due_at=due.get(row.customer_id),
        )
        found[row.stage] = (*found.get(row.stage, ()), card)
    return found


def _newest(pipeline: str, stages: Sequence[str]) -> Select[int, str, datetime, str, str, datetime | None]:
    """One statement of one index range per stage: sorting all placements would cost what the board has in all."""
    ranges = [
        select(Placement.customer_id, Placement.stage, Placement.entered_at)
        .where(Placement.pipeline == pipeline, Placement.stage == stage)
        .order_by(Placement.entered_at.desc())
        .limit(NEWEST)
        .subquery()
        for stage in stages
    ]
    newest = union_all(*(select(one) for one in ranges)).subquery()
    return (
        select(
            newest.c.customer_id,
            newest.c.stage,
            newest.c.entered_at,
            Customer.name,
            Customer.last_words,
            Customer.opted_out_at,
        )
        .join(Customer, Customer.id == newest.c.customer_id)
        .order_by(newest.c.entered_at.desc(), newest.c.customer_id.desc())
    )


def _next_due(session: Session, customer_ids: Sequence[int]) -> dict[int, datetime]:
    # "not in": with "in" SQLite walks the index by state through every waiting task there is.
    query = (
        select(SopTask.customer_id, func.min(SopTask.due_at))
        .where(SopTask.customer_id.in_(customer_ids), SopTask.state.not_in(_OVER))
        .group_by(SopTask.customer_id)
    )
    return dict(session.execute(query).all())
