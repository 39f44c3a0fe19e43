"""Owed rows: reads promises and open questions, for all customers who are looked at together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.customers.state import CustomerState
from bot.platform.database.among import among
from bot.platform.models import OpenQuestion, Promise

Row = TypeVar("Row", Promise, OpenQuestion)


def read_open(
    session: Session, state: CustomerState, model: type[Row], held: Literal["promises", "questions"]
) -> Any:
    """The open rows of the customer, as the state holds them; read once for the customer and their fellows."""
    if getattr(state, held) is None:
        unread = [one for one in (*state.fellows.states.values(), state) if getattr(one, held) is None]
        found: dict[int, list[Row]] = {one.customer.id: [] for one in unread}
        for row in _read(session, model, list(found), model.closed_at.is_(None)):
            found[row.customer_id].append(row)
        for one in unread:
            setattr(one, held, found[one.customer.id])
    return getattr(state, held)


def read_lately(
    session: Session, model: type[Row], at: InstrumentedAttribute[datetime], customers: Sequence[int], since: datetime
) -> list[Row]:
    """The customers' rows of which `at` is not before `since`, open or closed."""
    return list(_read(session, model, customers, at >= since))


def _read(
    session: Session, model: type[Row], customers: Sequence[int], condition: ColumnElement[bool]
) -> Iterable[Row]:
    mine = among(model.customer_id, customers)
    return session.scalars(select(model).where(mine, condition).order_by(model.id))
