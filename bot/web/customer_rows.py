"""Everything the customer page shows, by a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from bot.models import Customer, Placement, SopEnrolment, SopTask, StageMove, Tagging
from bot.web.people_rows import agent_names
from bot.web.talk_rows import Talk, read_talk

_MESSAGES = 100
_ROWS = 100
Row = TypeVar("Row")


@dataclass(frozen=True)
class CustomerView:
    """A customer with his conversation and what was made of it; lists are newest first, tasks by due time."""

    customer: Customer
    agent: str
    talk: Talk
    placements: tuple[Placement, ...]
    carried: tuple[Tagging, ...]
    former: tuple[Tagging, ...]
    moves: tuple[StageMove, ...]
    tasks: tuple[SopTask, ...]


def read_customer(session: Session, customer: Customer, before: int | None) -> CustomerView:
    """The view of one customer."""
    customer_id = customer.id
    tags = _rows(session, select(Tagging).where(Tagging.customer_id == customer_id).order_by(Tagging.id.desc()))
    moves = select(StageMove).where(StageMove.customer_id == customer_id).order_by(StageMove.id.desc())
    placements = select(Placement).where(Placement.customer_id == customer_id).order_by(Placement.id)
    tasks = (
        select(SopTask)
        .options(joinedload(SopTask.agent), joinedload(SopTask.enrolment))
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(SopTask.customer_id == customer_id)
        .order_by(SopEnrolment.id.desc(), SopTask.step)
    )
    return CustomerView(
        customer=customer,
        agent=agent_names(session, [customer_id]).get(customer_id, ""),
        talk=read_talk(session, customer_id, customer.name, _MESSAGES, before),
        placements=_rows(session, placements),
        carried=tuple(tag for tag in tags if tag.removed_at is None),
        former=tuple(tag for tag in tags if tag.removed_at is not None),
        moves=_rows(session, moves),
        tasks=_rows(session, tasks),
    )


def _rows(session: Session, query: Select[Row]) -> tuple[Row, ...]:
    return tuple(session.scalars(query.limit(_ROWS)))
