"""The customers behind a figure of a report, as far as the visitor may see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.people import agent_names
from bot.platform.models import Customer, Placement
from bot.web.auth.access import visible_customers
from bot.web.auth.visitor import Visitor

MOST = 300
_AT_ONCE = 10_000


@dataclass(frozen=True)
class Person:
    """A customer with where they stand and whose they are."""

    customer: Customer
    stages: tuple[str, ...]
    agent: str


@dataclass(frozen=True)
class People:
    """Those shown, and how many the figure counts."""

    shown: Sequence[Person]
    total: int


def read_people(session: Session, who: Visitor, ids: Collection[int]) -> People:
    """The customers of these ids, who spoke last first; at most so many are shown."""
    found = [
        customer
        for start in range(0, len(ids), 10_000)
        for customer in session.scalars(
            select(Customer).where(
                Customer.id.in_(sorted(ids)[start : start + 10_000]), visible_customers(session, who)
            )
        )
    ]
    found.sort(key=lambda one: (one.last_word_at or one.created_at, one.id), reverse=True)
    here = [one.id for one in found[:MOST]]
    agents, stages = agent_names(session, here), _stages(session, here)
    shown = [Person(one, stages.get(one.id, ()), agents.get(one.id, "")) for one in found[:MOST]]
    return People(shown, len(ids))


def _stages(session: Session, ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    query = (
        select(Placement.customer_id, Placement.stage).where(Placement.customer_id.in_(ids)).order_by(Placement.id)
    )
    found: dict[int, tuple[str, ...]] = {}
    for customer_id, stage in session.execute(query.order_by(Placement.id)):
        found[customer_id] = (*found.get(customer_id, ()), stage)
    return found
