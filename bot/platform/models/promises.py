"""Tables of what is owed in a talk: what was promised, and questions that nobody has answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Json, Key, Model
from bot.platform.models.people import Agent, Customer
from bot.platform.models.sealed import Sealed, SealedJson

_OPEN = text("closed_at IS NULL")
_LOOKED_AT = text("look_at IS NOT NULL")


class Promise(Model):
    """What was promised in one message, from its character `start` on; a task of the agent until it is closed.

    by: who promised, agent | customer. deed: what kind of thing (taggers.deeds). due_at: until when, as it was said;
    wide: a day or more was named, no hour. kept_at: when the first message after it was sent that shows that it was
    kept, and which that is. judged: what a person says of it, kept | misheard. withdrawn_at: when the message was
    taken back. closed_at: since when nothing is left to do, for any of these reasons. put_off_to: 稍后, until when.
    told: whom it was told to and when (agent, leader); look_at: when that is looked at next.
    """

    __tablename__ = "promise"
    __table_args__ = (
        UniqueConstraint("message_id", "start"),
        Index("ix_promise_customer", "customer_id", "said_at"),
        Index("ix_promise_agent", "agent_id", "due_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_promise_look", "look_at", sqlite_where=_LOOKED_AT, postgresql_where=_LOOKED_AT),
        Index("ix_promise_kept_message", "kept_message_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    by: Mapped[str] = mapped_column(String(16))
    msgid: Mapped[str] = mapped_column(String(128))
    said_at: Mapped[datetime]
    start: Mapped[int]
    words: Mapped[str] = mapped_column(Sealed("promise.words"), default="")
    deed: Mapped[str] = mapped_column(String(16))
    object: Mapped[str] = mapped_column(Sealed("promise.object"), default="")
    due_at: Mapped[datetime | None]
    wide: Mapped[bool] = mapped_column(default=False)
    put_off_to: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    kept_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    judged: Mapped[str] = mapped_column(String(16), default="")
    judged_by: Mapped[str] = mapped_column(String(80), default="")
    judged_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    told: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    look_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship()
    agent: Mapped[Agent] = relationship()

    @property
    def until(self) -> datetime | None:
        """When it is due now: as it was said, or as it was put off to."""
        return self.put_off_to or self.due_at


class OpenQuestion(Model):
    """A question of a customer in a single chat, from character `start` of its message on, until it is answered.

    topic, expects: what an answer to it would touch (taggers.open_questions). newest: no other message asked after
    it. nearest: how near the answers after it came, of 1. closed_at: since when it is answered or settled;
    settled_by: who said that it is.
    """

    __tablename__ = "open_question"
    __table_args__ = (
        UniqueConstraint("message_id", "start"),
        Index("ix_open_question_customer", "customer_id", "asked_at"),
        Index("ix_open_question_agent", "agent_id", "asked_at", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_open_question_answer", "answer_message_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("agent.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("message.id"))
    msgid: Mapped[str] = mapped_column(String(128))
    asked_at: Mapped[datetime]
    start: Mapped[int]
    words: Mapped[str] = mapped_column(Sealed("open_question.words"), default="")
    topic: Mapped[list[Any]] = mapped_column(SealedJson("open_question.topic"), default=list)
    expects: Mapped[list[Any]] = mapped_column(Json, default=list)
    newest: Mapped[bool] = mapped_column(default=True)
    nearest: Mapped[int] = mapped_column(default=0)  # of 100
    answer_message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    answered_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(String(80), default="")
    settled_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship()
    agent: Mapped[Agent] = relationship()

    @property
    def confidence(self) -> Literal["high", "medium"]:
        """How sure it is that nothing answered it: less so where an answer came near."""
        return "medium" if self.nearest else "high"
