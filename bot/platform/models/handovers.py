"""Table of handovers: each time that a customer passed to a colleague, and how far the checklist has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model
from bot.platform.models.people import Agent


class Handover(Model):
    """A customer passes from one agent to another.

    cause: transfer (WeCom tells) | order (the first payment) | hand. taker_id: None until somebody is named. told_at:
    when whoever has to know was put a card out; ticks: by point of the checklist [who, when].
    """

    __tablename__ = "handover"
    __table_args__ = (
        Index("ix_handover_customer", "customer_id", "id"),
        Index(
            "ix_handover_untold",
            "id",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    cause: Mapped[str] = mapped_column(String(12))
    ticks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]

    giver: Mapped[Agent | None] = relationship(foreign_keys=[giver_id])
    taker: Mapped[Agent | None] = relationship(foreign_keys=[taker_id])
