"""Tables of what was found out about customers: evidence, tags, feedback, placements and the ledger of moves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.platform.models.columns import Key, Model
from bot.platform.models.sealed import Sealed, SealedJson

if TYPE_CHECKING:
    from bot.platform.models.people import Customer


class Evidence(Model):
    """One rule hit: in which message or on which other occasion, by which words, rule and config version."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("customer_id", "rule_id", "occasion"),  # an occasion counts once per rule
        Index("ix_evidence_message", "message_id"),
        Index("ix_evidence_count", "customer_id", "rule_id", "hit_at"),
        Index("ix_evidence_rule", "rule_id", "hit_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    occasion: Mapped[str] = mapped_column(String(128))  # the msgid, or the key of another event
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    rule_id: Mapped[str] = mapped_column(String(64))
    tag: Mapped[str] = mapped_column(String(30))
    version: Mapped[str] = mapped_column(String(16))
    spans: Mapped[list[Any]] = mapped_column(SealedJson("evidence.spans"))
    reason: Mapped[str] = mapped_column(Sealed("evidence.reason"))
    counted: Mapped[int] = mapped_column(default=1)  # the number of this hit within the rule's window
    needed: Mapped[int] = mapped_column(default=1)  # how many the rule asks for before it tags
    hit_at: Mapped[datetime]


class Tagging(Model):
    """A tag a customer carries or carried: by whom, on what evidence, until when."""

    __tablename__ = "tagging"
    __table_args__ = (
        Index(  # a tag is carried once at a time
            "uq_tagging_carried",
            "customer_id",
            "tag",
            unique=True,
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(  # who carries a tag
            "ix_tagging_tag",
            "tag",
            "customer_id",
            sqlite_where=text("removed_at IS NULL"),
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_tagging_customer", "customer_id", "tagged_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    tag: Mapped[str] = mapped_column(String(30))
    by: Mapped[str] = mapped_column(String(16))  # rule | sop | human | wecom
    rule_id: Mapped[str | None] = mapped_column(String(64))
    msgid: Mapped[str | None] = mapped_column(String(128))
    reason: Mapped[str] = mapped_column(Sealed("tagging.reason"), default="")
    version: Mapped[str] = mapped_column(String(16))
    tagged_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_because: Mapped[str | None] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None]  # the only message that justified it was revoked


class Feedback(Model):
    """A person's judgement of a rule's hit: wrong (误判) or right; a rule's precision is computed from these."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("evidence_id", "author"), Index("ix_feedback_rule", "rule_id", "given_at"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    evidence_id: Mapped[int] = mapped_column(ForeignKey("evidence.id"))
    rule_id: Mapped[str] = mapped_column(String(64))
    right: Mapped[bool]
    author: Mapped[str] = mapped_column(String(80))
    given_at: Mapped[datetime]


class Placement(Model):
    """The present stage of a customer in one pipeline; replaying the StageMoves leads to the same."""

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("customer_id", "pipeline"),
        Index(
            "ix_placement_column", "pipeline", "stage", "entered_at", "customer_id"
        ),  # in the order the board shows
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    pipeline: Mapped[str] = mapped_column(String(30))
    stage: Mapped[str] = mapped_column(String(30))
    entered_at: Mapped[datetime]
    serial: Mapped[int] = mapped_column(default=1)
    moved_by_person_at: Mapped[datetime | None]

    customer: Mapped[Customer] = relationship()


class StageMove(Model):
    """One move on the board: from, to, why, by whom, when, under which config version.

    Never changed afterwards, save that a person may say the reason of a loss later.
    """

    __tablename__ = "stage_move"
    __table_args__ = (UniqueConstraint("customer_id", "pipeline", "serial"),)  # of two concurrent moves one fails

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    pipeline: Mapped[str] = mapped_column(String(30))
    serial: Mapped[int]
    from_stage: Mapped[str | None] = mapped_column(String(30))
    to_stage: Mapped[str] = mapped_column(String(30))
    cause: Mapped[str] = mapped_column(String(16))  # tag | event | timer | drag | wecom | api | undo
    trigger: Mapped[str] = mapped_column(String(64), default="")
    evidence: Mapped[str] = mapped_column(Sealed("stage_move.evidence"), default="")
    msgid: Mapped[str | None] = mapped_column(String(128))
    actor: Mapped[str] = mapped_column(String(64), default="")
    version: Mapped[str] = mapped_column(String(16))
    moved_at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(Sealed("stage_move.reason"))  # what a person says it came of


class CorpTag(Model):
    """A WeCom corp tag as last read or created. It stands for `stage` of `pipeline`, even if renamed in WeCom."""

    __tablename__ = "corp_tag"
    __table_args__ = (Index("ix_corp_tag_stage", "pipeline", "stage"),)

    tag_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    group_id: Mapped[str] = mapped_column(String(64))
    group_name: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(64))
    pipeline: Mapped[str | None] = mapped_column(String(30))
    stage: Mapped[str | None] = mapped_column(String(30))
