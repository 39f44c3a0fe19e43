"""Table of agents' own follow-ups: of which customer an agent wants to be reminded, when and of what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model
from bot.platform.models.people import Agent, Customer
from bot.platform.models.sealed import Sealed


class OwnFollowUp(Model):
    """What an agent wants to be reminded of.

    state: open | done | dropped (taken back). ended_by: hand | reply | evidence; ended_msgid: the message that showed
    it. told_at: when the reminder was put out; a later due time makes it None again.
    kind: own | revisit (written down by the quality list, which may also end it: list). outcome: of a revisit, a key
    of sop.revisits.OUTCOMES.
    """

    __tablename__ = "own_follow_up"
    __table_args__ = (
        Index("ix_own_follow_up_customer", "customer_id"),
        Index(  # an agent's day
            "ix_own_follow_up_open",
            "agent_id",
            "due_at",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(  # revisits, the latest of a customer
            "ix_own_follow_up_revisit",
            "customer_id",
            "created_at",
            sqlite_where=text("kind = 'revisit'"),
            postgresql_where=text("kind = 'revisit'"),
        ),
        Index(  # those of which somebody has to be reminded
            "ix_own_follow_up_due",
            "due_at",
            sqlite_where=text("state = 'open' AND told_at IS NULL"),
            postgresql_where=text("state = 'open' AND told_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    words: Mapped[str] = mapped_column(Sealed("own_follow_up.words"), default="")
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16), default="open")
    created_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(String(16))
    ended_msgid: Mapped[str | None] = mapped_column(String(128))
    kind: Mapped[str] = mapped_column(String(8), default="own")
    outcome: Mapped[str] = mapped_column(String(12), default="")

    agent: Mapped[Agent] = relationship()
    customer: Mapped[Customer] = relationship()
