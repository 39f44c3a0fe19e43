"""Tables of the business: products, orders and other events, as the company's own systems tell of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed, SealedJson


class Product(Model):
    """Something that a source sells. price: of one, in the currency's smallest unit (fen)."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("source", "code"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120), default="")
    category: Mapped[str] = mapped_column(String(60), default="")
    price: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]  # by the source's clock


class Order(Model):
    """An order of a customer, in the newest version that its source told of.

    own_id: the source's own id, under which it may tell of the order again. product_*: what was bought, as it was
    called then. amount: of the whole order, in the currency's smallest unit (fen). status: paid | refunded |
    cancelled. changed_at: of this version, by the source's clock; taken_at: by ours.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("source", "own_id"),
        Index("ix_orders_customer", "customer_id", "ordered_at"),
        Index("ix_orders_ordered_at", "ordered_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(String(40))
    own_id: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    product_code: Mapped[str] = mapped_column(String(64), default="")
    product_name: Mapped[str] = mapped_column(String(120), default="")
    category: Mapped[str] = mapped_column(String(60), default="")
    quantity: Mapped[int] = mapped_column(default=1)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    status: Mapped[str] = mapped_column(String(12))
    ordered_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    taken_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Sealed("orders.note"), default="")


class BusinessEvent(Model):
    """Something else that a customer did, as the company's own systems tell: a lesson finished. Never changed."""

    __tablename__ = "business_event"
    __table_args__ = (
        UniqueConstraint("source", "own_id"),
        Index("ix_business_event_customer", "customer_id", "at"),
        Index("ix_business_event_at", "at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(String(40))
    own_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(60))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    at: Mapped[datetime]
    taken_at: Mapped[datetime]
    properties: Mapped[dict[str, Any]] = mapped_column(SealedJson("business_event.properties"), default=dict)
