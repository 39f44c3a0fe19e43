"""Tables of the wordings that agents were offered and what became of each by the archive, and of their own ones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Json, Key, Model
from bot.platform.models.people import Agent
from bot.platform.models.sealed import Sealed

_UNANSWERED = text("replied_at IS NULL")


class WordingOffer(Model):
    """Words that an agent was offered for a customer. What is no step of an SOP: those are tasks.

    key: answer:… | own:… | rule:… | past:… (bot.agents.suggestions). by: shown beside the chat, searched for by the
    agent, or known (sent without either). after: the offer of the same words before it, so that two pages at once
    offer them once. wording: as config.toml has it, empty for what is not there; text: with the placeholders filled.
    outcome: exact | edited, once the archive shows it. live_until: until when the archive may show it sent or, once
    sent, answered.
    """

    __tablename__ = "wording_offer"
    __table_args__ = (
        UniqueConstraint("customer_id", "agent_id", "key", "after"),
        Index("ix_wording_offer_key", "key", "offered_at"),
        Index(
            "ix_wording_offer_live",
            "customer_id",
            "live_until",
            sqlite_where=_UNANSWERED,
            postgresql_where=_UNANSWERED,
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), index=True)
    key: Mapped[str] = mapped_column(String(80))
    by: Mapped[str] = mapped_column(String(16))
    after: Mapped[int] = mapped_column(Key, default=0)
    wording: Mapped[str] = mapped_column(Text, default="")
    text: Mapped[str] = mapped_column(Sealed("wording_offer.text"), default="")
    offered_at: Mapped[datetime]
    tapped_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    sent_msgid: Mapped[str | None] = mapped_column(String(128))
    outcome: Mapped[str | None] = mapped_column(String(16))
    similarity: Mapped[float | None]
    replied_at: Mapped[datetime | None]
    live_until: Mapped[datetime]


class OwnWording(Model):
    """What an agent wrote down for themself to be said to customers; nobody else is offered it.

    ask: what customers ask, one a line; attach: as [[answers]] has it. since, until: the local days on which it is
    offered. proposed_at: since when the agent wants the company to have it; decided: taken | declined, by whom, when;
    answer: the id of the answer that was made of it.
    """

    __tablename__ = "own_wording"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"), index=True)
    category: Mapped[str] = mapped_column(Sealed("own_wording.category"), default="")
    ask: Mapped[str] = mapped_column(Sealed("own_wording.ask"))
    say: Mapped[str] = mapped_column(Sealed("own_wording.say"))
    attach: Mapped[list[Any]] = mapped_column(Json, default=list)
    since: Mapped[date | None] = mapped_column(Date)
    until: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    proposed_at: Mapped[datetime | None]
    decided: Mapped[str] = mapped_column(String(8), default="")
    decided_by: Mapped[str] = mapped_column(String(80), default="")
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(64), default="")

    agent: Mapped[Agent] = relationship()
