"""Table of facts: every value that was told of a customer's field, by whom, in which words, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed, SealedJson


class ToldFact(Model):
    """A value told of a field; which one stands is decided by sop.facts and kept in customer_field.

    by: human | rule. told_at: when a person wrote it, or when the message was sent that a rule read it in. right:
    what a person judged of what was heard. An empty value: a person cleared the field.
    """

    __tablename__ = "told_fact"
    __table_args__ = (
        Index("ix_told_fact_customer", "customer_id", "field", "id"),
        Index("ix_told_fact_message", "message_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    field: Mapped[str] = mapped_column(String(30))
    value: Mapped[str] = mapped_column(Sealed("told_fact.value"), default="")
    by: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(80), default="")
    rule_id: Mapped[str | None] = mapped_column(String(64))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    words: Mapped[str] = mapped_column(Sealed("told_fact.words"), default="")
    span: Mapped[list[Any]] = mapped_column(SealedJson("told_fact.span"), default=list)  # [start, end] in the message
    version: Mapped[str] = mapped_column(String(16), default="")
    told_at: Mapped[datetime]
    right: Mapped[bool | None]
    judged_by: Mapped[str] = mapped_column(String(80), default="")
    judged_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]  # when the message was taken back
