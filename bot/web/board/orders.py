"""Orders: by what a column may be sorted beside the newest first, and where that is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Exists, Select, SQLColumnExpression, and_, exists, func, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from bot.customers.state import OPEN_STATES
from bot.platform.models import Customer, Follow, Placement, SopTask

OVER = ("completed", "replied", "expired", "cancelled", "failed")


@dataclass(frozen=True)
class Order:
    """One order of cards. Whoever has no such value stands behind all who have one, the newest first.

    has: who has a value. ranges: the same as ranges of one index each, walked to find the first of all.
    single: a customer has one row at most.
    """

    customer: InstrumentedAttribute[int]
    value: InstrumentedAttribute[Any]
    has: ColumnElement[bool]
    ranges: tuple[ColumnElement[bool], ...]
    falls: bool = False
    single: bool = False

    def directed(self, *columns: SQLColumnExpression[Any]) -> list[Any]:
        return [one.desc() if self.falls else one.asc() for one in columns]

    def first(self, among: list[Select[int]], limit: int) -> Any:
        """The first rows of all by this order (columns customer_id, by); customers may come more than once."""
        conditions = [self.customer.in_(one) for one in among]
        parts = [
            select(self.customer.label("customer_id"), self.value.label("by"))
            .where(one, *conditions)
            .order_by(*self.directed(self.value, self.customer))
            .limit(limit)
            .subquery()
            for one in self.ranges
        ]
        rows = union_all(*(select(part) for part in parts)).subquery()
        return select(rows).order_by(*self.directed(rows.c.by, rows.c.customer_id)).limit(limit)

    def among_cards(self, *conditions: ColumnElement[bool]) -> Any:
        """The cards of which the conditions hold whose customers have a value, with the first one they have.

        Grouped behind the conditions: a list of everybody's first value would be read whole for every page.
        """
        card = (Placement.stage, Placement.entered_at, Placement.customer_id)
        best = self.value if self.single else func.min(self.value)
        found = (
            select(*card, best.label("by"))
            .join(self.customer.class_, self.customer == Placement.customer_id)
            .where(self.has, *conditions)
        )
        return (found if self.single else found.group_by(*card)).subquery()

    @property
    def known(self) -> Exists:
        """Whether the customer of a placement has a value."""
        return exists().where(self.customer == Placement.customer_id, self.has)


_WAITS = and_(Follow.waiting_since.is_not(None), Follow.ended_at.is_(None))
# "not in": with "in" SQLite walks the index by state through every waiting task there is.
_DUE = SopTask.state.not_in(OVER)
_SPOKE = Customer.last_word_at.is_not(None)
_SCORED = Customer.conversion > 0

ORDERS = {
    "waiting": Order(Follow.customer_id, Follow.waiting_since, _WAITS, (_WAITS,)),
    "due": Order(SopTask.customer_id, SopTask.due_at, _DUE, tuple(SopTask.state == one for one in OPEN_STATES)),
    "score": Order(Customer.id, Customer.conversion, _SCORED, (_SCORED,), falls=True, single=True),
    "word": Order(Customer.id, Customer.last_word_at, _SPOKE, (_SPOKE,), falls=True, single=True),
}
