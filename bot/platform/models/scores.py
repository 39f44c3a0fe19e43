"""Table of the ledgers of activity and conversion: every occasion that gave a customer points."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model


class ScoreEntry(Model):
    """Points that one occasion gave (taggers.ledger.Entry). Never changed, save that it may fall.

    occasion: the msgid, the key of another event, or for tags and fields the how-manieth time. Where a rule is the
    source, the evidence of the same rule and occasion holds words and reason. fallen_because: revoked | misjudged |
    gone.
    """

    __tablename__ = "score_entry"
    __table_args__ = (
        UniqueConstraint("customer_id", "ledger", "source", "occasion"),  # a source gives once for an occasion
        Index(
            "ix_score_entry_standing",
            "customer_id",
            sqlite_where=text("fallen_at IS NULL"),
            postgresql_where=text("fallen_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    ledger: Mapped[str] = mapped_column(String(12))
    points: Mapped[int]
    source: Mapped[str] = mapped_column(String(80))
    occasion: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(16), default="")
    at: Mapped[datetime]
    fallen_at: Mapped[datetime | None]
    fallen_because: Mapped[str] = mapped_column(String(16), default="")
