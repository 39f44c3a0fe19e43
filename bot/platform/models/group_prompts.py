"""Table of prompts for group chats: what the owner of a group is to say there, and when."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed


class GroupPrompt(Model):
    """One step of an SOP for a group chat: what its owner is to say there, and when.

    state: planned | queued | sent | dropped. cause: what started the SOP ("made", or a day); a cause starts it once.
    """

    __tablename__ = "group_prompt"
    __table_args__ = (
        UniqueConstraint("group_id", "sop_id", "cause", "step"),
        Index(
            "ix_group_prompt_due",
            "due_at",
            sqlite_where=text("state = 'planned'"),
            postgresql_where=text("state = 'planned'"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("group_chat.id"))
    sop_id: Mapped[str] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(String(20))
    step: Mapped[int]
    words: Mapped[str] = mapped_column(Sealed("group_prompt.words"), default="")
    state: Mapped[str] = mapped_column(String(16), default="planned")
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))  # who was told
    sent_at: Mapped[datetime | None]
    version: Mapped[str] = mapped_column(String(16), default="")
