"""Products and events: takes what sources tell of them; a product in its newest version, an event once."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from bot.customers.order_given import EventGiven, ProductGiven
from bot.platform.models import BusinessEvent, Product
from bot.platform.work import Work


def take_products(work: Work, source: str, told: Sequence[ProductGiven]) -> list[str]:
    """Take these products; returns of each whether it was new, changed, same or stale."""
    mine = select(Product).where(Product.source == source, Product.code.in_([one.code for one in told]))
    known = {product.code: product for product in work.session.scalars(mine)}
    outcomes = []
    for one in told:
        outcomes.append(_take(work, source, one, known))
        work.session.flush()
    return outcomes


def take_event(work: Work, source: str, told: EventGiven, customer_id: int) -> BusinessEvent | None:
    """Store an event; None where it was told before."""
    known = select(BusinessEvent.id).where(BusinessEvent.source == source, BusinessEvent.own_id == told.own_id)
    if work.session.scalar(known) is not None:
        return None
    row = BusinessEvent(
        source=source, own_id=told.own_id, name=told.name, customer_id=customer_id, at=told.at, taken_at=work.now,
        properties=told.properties,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return row


def _take(work: Work, source: str, told: ProductGiven, known: dict[str, Product]) -> str:
    values = {"name": told.name, "category": told.category, "price": told.price}
    changed_at, row = told.updated_at or work.now, known.get(told.code)
    if row is None:
        row = Product(source=source, code=told.code, changed_at=changed_at, **values)
        known[told.code] = row
        work.session.add(row)
        return "new"
    if told.updated_at is not None and changed_at < row.changed_at:
        return "stale"
    same = all(getattr(row, name) == value for name, value in values.items())
    row.changed_at = changed_at
    for name, value in values.items():
        setattr(row, name, value)
    return "same" if same else "changed"
