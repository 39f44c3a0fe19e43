"""Table of impressions: what our own people think of a customer, a row for each time that one said so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model


class Impression(Model):
    """A word of a colleague's (taggers.models.impression). Never changed: taking it back is a row without a word."""

    __tablename__ = "impression"
    __table_args__ = (Index("ix_impression_customer", "customer_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    author: Mapped[str] = mapped_column(String(80))
    word: Mapped[str] = mapped_column(String(12), default="")
    at: Mapped[datetime]
