"""Table of what the rules about agents' conduct found."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model
from bot.platform.models.messages import Message
from bot.platform.models.people import Agent, Customer
from bot.platform.models.sealed import Sealed, SealedJson

_UNTOLD = text("told_at IS NULL AND judged = ''")


class ConductFinding(Model):
    """A rule about conduct heard something in what an agent said. Its words are the message's, by `spans`.

    title: what the rule was called then. customer_id: to whom it was said; nobody in a group. message_id: none once
    the message is purged by age. shadow: the rule was only tried. judged: a leader's word, right | wrong, or empty;
    told_at: when leaders were told of it.
    """

    __tablename__ = "conduct_finding"
    __table_args__ = (
        UniqueConstraint("msgid", "rule_id"),  # a message counts once per rule
        Index("ix_conduct_finding_agent", "agent_id", "said_at"),
        Index("ix_conduct_finding_rule", "rule_id", "said_at"),
        Index("ix_conduct_finding_said", "said_at", "id"),
        Index("ix_conduct_finding_customer", "customer_id"),
        Index("ix_conduct_finding_message", "message_id"),
        Index("ix_conduct_finding_untold", "found_at", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    rule_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(16))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    msgid: Mapped[str] = mapped_column(String(128))
    spans: Mapped[list[Any]] = mapped_column(SealedJson("conduct_finding.spans"), default=list)
    reason: Mapped[str] = mapped_column(Sealed("conduct_finding.reason"), default="")
    said_at: Mapped[datetime]
    found_at: Mapped[datetime]
    shadow: Mapped[bool] = mapped_column(default=False)
    judged: Mapped[str] = mapped_column(String(16), default="")
    judged_by: Mapped[str] = mapped_column(String(80), default="")
    judged_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]

    agent: Mapped[Agent] = relationship()
    customer: Mapped[Customer | None] = relationship()
    message: Mapped[Message | None] = relationship()
