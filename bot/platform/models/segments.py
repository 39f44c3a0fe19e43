"""Table of segments' members: who is in a frozen one, and who was last seen in one that starts SOPs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Model


class SegmentMember(Model):
    """A customer in a segment since `since`. Of a frozen segment these are its customers; of a live one whom the last
    look found, so that the next look knows who came in."""

    __tablename__ = "segment_member"
    __table_args__ = (Index("ix_segment_member_customer", "customer_id"),)

    segment: Mapped[str] = mapped_column(String(30), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), primary_key=True)
    since: Mapped[datetime]
