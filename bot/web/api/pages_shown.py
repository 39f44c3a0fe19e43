"""Pages shown by the API: what a source told, in the order of its own ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.platform.models import BusinessEvent, Customer, Order, Product

Rows = list[dict[str, Any]]
_ORDER = (
    "product_code", "product_name", "category", "quantity", "amount", "currency", "status", "ordered_at", "paid_at",
    "note",
)  # fmt: skip


def orders(session: Session, source: str, after: str, limit: int) -> Rows:
    """Orders of a source."""
    mine = select(Order, Customer.external_userid).join(Customer, Customer.id == Order.customer_id)
    asked = mine.where(Order.source == source, Order.own_id > after).order_by(Order.own_id).limit(limit)
    return [
        {"id": row.own_id, "external_userid": who, "updated_at": row.changed_at}
        | {name: getattr(row, name) for name in _ORDER}
        for row, who in session.execute(asked)
    ]


def products(session: Session, source: str, after: str, limit: int) -> Rows:
    """Products of a source."""
    mine = select(Product).where(Product.source == source, Product.code > after).order_by(Product.code).limit(limit)
    return [
        {"code": row.code, "name": row.name, "category": row.category, "price": row.price}
        | {"updated_at": row.changed_at}
        for row in session.scalars(mine)
    ]


def events(session: Session, source: str, after: str, limit: int) -> Rows:
    """Events of a source."""
    mine = select(BusinessEvent, Customer.external_userid).join(Customer, Customer.id == BusinessEvent.customer_id)
    of = BusinessEvent.source == source, BusinessEvent.own_id > after
    return [
        {"id": row.own_id, "name": row.name, "at": row.at, "properties": row.properties, "external_userid": who}
        for row, who in session.execute(mine.where(*of).order_by(BusinessEvent.own_id).limit(limit))
    ]


def customers(session: Session, source: str, after: str, limit: int) -> Rows:
    """Customers of whom a source told."""
    count = select(func.count()).where(Order.customer_id == Customer.id, Order.source == source).scalar_subquery()
    told = (
        select(Order.id).where(Order.customer_id == Customer.id, Order.source == source).exists(),
        select(BusinessEvent.id)
        .where(BusinessEvent.customer_id == Customer.id, BusinessEvent.source == source)
        .exists(),
    )
    mine = select(Customer.external_userid, Customer.unionid, count.label("orders")).where(or_(*told))
    asked = mine.where(Customer.external_userid > after).order_by(Customer.external_userid).limit(limit)
    return [dict(row._mapping) for row in session.execute(asked)]


def last_of(what: str, row: Mapping[str, Any]) -> str:
    """What to give as `after` for the rows behind this one."""
    return str(row[{"products": "code", "customers": "external_userid"}.get(what, "id")])


PAGES: Mapping[str, Callable[[Session, str, str, int], Rows]] = {
    "orders": orders,
    "products": products,
    "events": events,
    "customers": customers,
}
