"""What the customer list asks for: conditions, order, columns and place, as they stand in the address."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, UnaryExpression, and_, or_
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.datastructures import MultiDict

from bot.agents.list_rows import COLUMNS, OF_FIELD
from bot.customers.selection import Condition, read_conditions
from bot.platform.config.settings import Settings
from bot.platform.models import Customer
from bot.web.layout.requests import LARGEST_ID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SORTS: dict[str, tuple[str, InstrumentedAttribute[Any]]] = {
    "last": ("最近说话", Customer.last_word_at),
    "added": ("认识于", Customer.created_at),
    "score": ("意向分", Customer.conversion),
    "activity": ("活跃分", Customer.activity),
}
USUAL = ("stages", "tags", "agent", "last", "scores")


@dataclass(frozen=True)
class ListQuery:
    """What is asked for. sort: a key of SORTS; up: smallest, or longest ago, first. after: the last row of before."""

    conditions: tuple[Condition, ...] = ()
    sort: str = "last"
    up: bool = False
    columns: tuple[str, ...] = USUAL
    after: str = ""

    @property
    def args(self) -> dict[str, list[str]]:
        """As it stands in the address, without the place."""
        found: dict[str, list[str]] = {}
        for one in self.conditions:
            found.setdefault(one.kind, []).append(one.value)
        found |= {"sort": [self.sort]} if self.sort != "last" else {}
        found |= {"up": ["1"]} if self.up else {}
        return found | ({"col": list(self.columns)} if self.columns != USUAL else {})

    def without(self, gone: Condition) -> dict[str, list[str]]:
        """The address without one of the conditions."""
        return ListQuery(tuple(c for c in self.conditions if c != gone), self.sort, self.up, self.columns).args

    def sorted_by(self, name: str) -> dict[str, list[str]]:
        """The address in another order; the other way round where it is that already."""
        up = not self.up if name == self.sort else False
        return ListQuery(self.conditions, name, up, self.columns).args

    def in_order(self, rows: Select[Any]) -> Select[Any]:
        """The rows in this order, those that come after `after`."""
        return rows.where(*_after(self)).order_by(*order_of(self))


def read_query(args: MultiDict[str, str], settings: Settings) -> ListQuery:
    """What an address asks for; what cannot be read asks for nothing."""
    return query_of(args.items(multi=True), settings)


def query_of(pairs: Iterable[tuple[str, str]], settings: Settings) -> ListQuery:
    """As read_query, from the pairs of a saved view."""
    given = [(name, value) for name, value in pairs]
    last: Mapping[str, str] = dict(given)
    known = known_columns(settings)
    columns = tuple(dict.fromkeys(value for name, value in given if name == "col" and value in known))
    sort = last.get("sort", "")
    return ListQuery(
        read_conditions(given),
        sort if sort in SORTS else "last",
        last.get("up") == "1",
        columns or USUAL,
        last.get("after", "")[:60],
    )


def known_columns(settings: Settings) -> Collection[str]:
    """The names of all columns there are."""
    return [*COLUMNS, *(f"{OF_FIELD}{name}" for name in settings.fields)]


def cursor_of(query: ListQuery, customer: Customer) -> str:
    """The place of this row, from which the next page begins."""
    value = getattr(customer, SORTS[query.sort][1].key)
    if isinstance(value, datetime):
        value = (value - _EPOCH).total_seconds()
    return f"{'' if value is None else value}_{customer.id}"


def order_of(query: ListQuery) -> list[UnaryExpression[Any]]:
    """By what the rows are sorted."""
    column = SORTS[query.sort][1]
    if query.up:
        return [column.asc().nulls_first(), Customer.id.asc()]
    return [column.desc().nulls_last(), Customer.id.desc()]


def _after(query: ListQuery) -> list[ColumnElement[bool]]:
    column = SORTS[query.sort][1]
    try:
        value, customer_id = _read_cursor(query.after, query.sort)
    except (ValueError, OverflowError):
        return []
    further = Customer.id > customer_id if query.up else Customer.id < customer_id
    if value is None:
        ties = and_(column.is_(None), further)
        return [or_(ties, column.is_not(None)) if query.up else ties]
    ties = and_(column == value, further)
    return [or_(column > value, ties) if query.up else or_(column < value, ties, column.is_(None))]


def _read_cursor(text: str, sort: str) -> tuple[Any, int]:
    value, _, number = text.partition("_")
    customer_id = int(number) if number.isascii() and number.isdigit() else 0
    if not 0 < customer_id <= LARGEST_ID:
        raise ValueError("no row has such an id")
    if not value:
        return None, customer_id
    if sort in ("last", "added"):
        return datetime.fromtimestamp(float(value), UTC), customer_id
    return max(-(2**31), min(int(value), 2**31 - 1)), customer_id
