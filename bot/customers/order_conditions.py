"""Order conditions: what a customer bought, how many orders, how much and how long ago, asked of the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func, or_, select, true
from sqlalchemy.orm import Session

from bot.platform.models import Customer, Order, Product
from sop.business import ANY

PAID = "paid"
CURRENCY = "CNY"  # sums are of yuan: other money is not added to it
_OFFERED = 500


@dataclass(frozen=True)
class OrderFigures:
    """A customer's paid orders: how many, what those in yuan come to (in fen), and when the last was."""

    number: int
    fen: int
    last: datetime


def bought(name: str) -> ColumnElement[bool]:
    """A paid order of this product, by its code, name or category; "*": of anything."""
    called = or_(Order.product_code == name, Order.product_name == name, Order.category == name)
    return _has(*(() if name == ANY else (called,)))


def has_orders(number: int) -> ColumnElement[bool]:
    """So many paid orders at least."""
    if number < 1:
        return true()
    paid = select(Order.customer_id).where(Order.status == PAID).group_by(Order.customer_id)
    return Customer.id.in_(paid.having(func.count() >= number))


def has_spent(yuan: int) -> ColumnElement[bool]:
    """Paid orders that come to so much at least."""
    if yuan < 1:
        return true()
    paid = select(Order.customer_id).where(Order.status == PAID, Order.currency == CURRENCY)
    return Customer.id.in_(paid.group_by(Order.customer_id).having(func.sum(Order.amount) >= 100 * yuan))


def ordered_since(at: datetime) -> ColumnElement[bool]:
    """A paid order after this moment."""
    return _has(Order.ordered_at > at)


def ordered_last_before(at: datetime) -> ColumnElement[bool]:
    """Paid orders, and none after this moment: by one look through the orders instead of two."""
    paid = select(Order.customer_id).where(Order.status == PAID).group_by(Order.customer_id)
    return Customer.id.in_(paid.having(func.max(Order.ordered_at) <= at))


def offered_products(session: Session) -> list[str]:
    """The names and categories of what is sold, for choosing; the newest sold come first."""
    sold = select(Order.product_name).group_by(Order.product_name).order_by(func.max(Order.ordered_at).desc())
    queries = (
        sold,
        select(Order.category).distinct(),
        select(Product.name).distinct(),
        select(Product.category).distinct(),
    )
    found = [name for query in queries for name in session.scalars(query.limit(_OFFERED)) if name]
    return list(dict.fromkeys(found))[:_OFFERED]


def order_figures(session: Session, ids: Sequence[int]) -> dict[int, OrderFigures]:
    """The figures of those of these customers who paid for something; one statement."""
    yuan = case((Order.currency == CURRENCY, Order.amount), else_=0)
    figures = Order.customer_id, func.count(), func.sum(yuan), func.max(Order.ordered_at)
    mine = select(*figures).where(Order.customer_id.in_(ids), Order.status == PAID).group_by(Order.customer_id)
    return {one: OrderFigures(n, int(fen), last) for one, n, fen, last in session.execute(mine)}


def _has(*tests: ColumnElement[bool]) -> ColumnElement[bool]:
    return Customer.id.in_(select(Order.customer_id).where(Order.status == PAID, *tests))
