"""Tables of outgoing webhooks: who is told of what, and what was sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed, SealedJson


class Webhook(Model):
    """An address of another system that is told of changes.

    events: tag, stage, task, order, waiting. words: what is sent may hold names and words of customers. failures:
    tries in a row that failed; with too many it is disabled.
    """

    __tablename__ = "webhook"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    url: Mapped[str] = mapped_column(Sealed("webhook.url"))
    secret: Mapped[str] = mapped_column(Sealed("webhook.secret"))
    events: Mapped[list[Any]] = mapped_column(default=list)
    words: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str] = mapped_column(String(200), default="")


class WebhookDelivery(Model):
    """One thing told to one webhook. ref: its webhook-id. state: waiting | sent | failed; status: last answer's."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("ix_webhook_delivery_webhook", "webhook_id", "id"),
        Index("ix_webhook_delivery_customer", "customer_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    ref: Mapped[str] = mapped_column(String(40), unique=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    event: Mapped[str] = mapped_column(String(24))
    body: Mapped[dict[str, Any]] = mapped_column(SealedJson("webhook_delivery.body"), default=dict)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    rounds: Mapped[int] = mapped_column(default=1)  # how often it was asked for: by itself, and by 重发
    status: Mapped[int | None]
    why: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
