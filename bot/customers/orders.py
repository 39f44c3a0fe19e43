"""Orders: takes what sources tell of them, each in its newest version, however late or often it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from bot.customers.order_given import OrderGiven
from bot.platform.models import Order, Product
from bot.platform.work import Work

Outcome = Literal["new", "changed", "same", "stale"]
_KEPT = (
    "product_code", "product_name", "category", "quantity", "amount", "currency", "status", "ordered_at", "paid_at",
    "note", "customer_id",
)  # fmt: skip


@dataclass(frozen=True)
class TakenOrder:
    """An order as it is now, and what became of what was told.

    before: the values that were replaced (a new order has none), from which it can be restored. stale: a newer
    version was known. was: the status before.
    """

    order: Order
    outcome: Outcome
    before: Mapping[str, Any]

    @property
    def was(self) -> str:
        return str(self.before.get("status", ""))


@dataclass(frozen=True)
class OrderOf:
    """What is told of an order, and whose it is."""

    customer_id: int
    given: OrderGiven


def take_orders(work: Work, source: str, told: Sequence[OrderOf]) -> list[TakenOrder]:
    """Take these orders of a source, in this order; two statements and one for each that is new or changed."""
    session = work.session
    known = known_orders(session, source, [one.given.own_id for one in told])
    products = _products(session, source, [one.given.product_code for one in told])
    taken = []
    for one in told:
        found = _take(work, source, one, (known.get(one.given.own_id), products.get(one.given.product_code)))
        known[one.given.own_id] = found.order
        taken.append(found)
    session.flush()
    return taken


def known_orders(session: Session, source: str, own_ids: Iterable[str]) -> dict[str, Order]:
    """The orders of a source that are known, by its own ids."""
    wanted, found = sorted(set(own_ids)), {}
    for start in range(0, len(wanted), 500):
        some = select(Order).where(Order.source == source, Order.own_id.in_(wanted[start : start + 500]))
        found.update({order.own_id: order for order in session.scalars(some)})
    return found


def restore_order(session: Session, order_id: int, before: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Bring an order back to what it was before; False, and nothing done, where it has changed since or is gone."""
    order = session.get(Order, order_id)
    if order is None or snapshot(order) != dict(kept):
        return False
    if not before:
        session.delete(order)
    for name, value in before.items():
        setattr(order, name, _moment(value) if name.endswith("_at") else value)
    session.flush()
    return True


def snapshot(order: Order) -> dict[str, Any]:
    """What an order holds, as JSON can keep it."""
    values = {name: getattr(order, name) for name in (*_KEPT, "changed_at")}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _take(work: Work, source: str, told: OrderOf, known: tuple[Order | None, Product | None]) -> TakenOrder:
    order, product = known
    values = _values(told, product)
    changed_at = told.given.updated_at or work.now
    if order is None:
        order = Order(source=source, own_id=told.given.own_id, changed_at=changed_at, taken_at=work.now, **values)
        work.session.add(order)
        return TakenOrder(order, "new", {})
    if told.given.updated_at is not None and changed_at < order.changed_at:
        return TakenOrder(order, "stale", {})
    before, same = snapshot(order), all(getattr(order, name) == value for name, value in values.items())
    order.changed_at = changed_at if told.given.updated_at is not None or not same else order.changed_at
    if same:
        return TakenOrder(order, "same", before)
    for name, value in values.items():
        setattr(order, name, value)
    order.taken_at = work.now
    return TakenOrder(order, "changed", before)


def _values(told: OrderOf, product: Product | None) -> dict[str, Any]:
    values = {name: getattr(told.given, name) for name in _KEPT if name != "customer_id"}
    if product is not None:
        values["product_name"] = values["product_name"] or product.name
        values["category"] = values["category"] or product.category
    if values["status"] == "paid" and values["paid_at"] is None:
        values["paid_at"] = values["ordered_at"]
    return values | {"customer_id": told.customer_id}


def _products(session: Session, source: str, codes: Iterable[str]) -> dict[str, Product]:
    wanted, found = sorted({code for code in codes if code}), {}
    for start in range(0, len(wanted), 500):
        some = tuple_(Product.source, Product.code).in_([(source, code) for code in wanted[start : start + 500]])
        found.update({product.code: product for product in session.scalars(select(Product).where(some))})
    return found


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
