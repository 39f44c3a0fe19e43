"""A customer's orders as their page shows them: the newest, and what was paid, refunds told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.models import Order

SHOWN = 10
_SIGNS = {"CNY": "¥", "USD": "US$", "HKD": "HK$", "EUR": "€"}
_WHOLE = frozenset({"JPY", "KRW", "VND"})  # currencies without a smaller unit


@dataclass(frozen=True)
class OrderView:
    """One order, its amount as it is written."""

    row: Order
    amount: str


@dataclass(frozen=True)
class OrdersView:
    """The newest orders, how many there are besides, and by status how many there are and what they come to."""

    orders: tuple[OrderView, ...]
    more: int
    totals: tuple[tuple[str, int, str], ...]


def read_orders(session: Session, customer_id: int) -> OrdersView:
    """A customer's orders; two statements."""
    mine = select(Order).where(Order.customer_id == customer_id).order_by(Order.ordered_at.desc(), Order.id.desc())
    rows = session.scalars(mine.limit(SHOWN)).all()
    summed = (
        select(Order.status, Order.currency, func.count(), func.sum(Order.amount))
        .where(Order.customer_id == customer_id)
        .group_by(Order.status, Order.currency)
        .order_by(Order.currency)
    )
    found = [(status, currency, count, int(total)) for status, currency, count, total in session.execute(summed)]
    views = tuple(OrderView(row, money(row.amount, row.currency)) for row in rows)
    return OrdersView(views, sum(one[2] for one in found) - len(rows), _totals(found))


def money(amount: int, currency: str) -> str:
    """An amount as people write it: 299900 of CNY is ¥2,999."""
    sign = _SIGNS.get(currency, f"{currency} ")
    if currency in _WHOLE:
        return f"{sign}{amount:,}"
    whole, rest = divmod(amount, 100)
    return f"{sign}{whole:,}" + (f".{rest:02}" if rest else "")


def _totals(found: Sequence[tuple[str, str, int, int]]) -> tuple[tuple[str, int, str], ...]:
    totals = []
    for status in ("paid", "refunded", "cancelled"):
        mine = [one for one in found if one[0] == status]
        if mine:
            sums = " + ".join(money(total, currency) for _, currency, _, total in mine)
            totals.append((status, sum(one[2] for one in mine), sums))
    return tuple(totals)
