"""Recalled messages: marks a message that its sender took back, and the tags that no other evidence supports."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.database.among import among
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Customer, Evidence, Message, Tagging
from bot.platform.work import Work

REVOKED_LINE = "[撤回了一条消息]"
BECAUSE = "依据的消息已撤回"


def recalled_before(session: Session, msgids: Collection[str]) -> dict[str, datetime]:
    """When senders took back these messages, as revocations say that came before them."""
    told: dict[str, datetime] = {}
    earlier = select(Message.revokes, Message.sent_at).where(among(Message.revokes, msgids)).order_by(Message.id)
    for msgid, at in session.execute(earlier):
        if msgid is not None:
            told.setdefault(msgid, at)
    return told


def withdraw(work: Work, msgid: str, at: datetime) -> list[Tagging]:
    """Mark a message, if it is stored, as taken back at that time; returns the tags that this removes.

    The tags for which only revoked messages are evidence are marked or, by [privacy] revoked, removed.
    """
    message = work.session.scalar(select(Message).where(Message.msgid == msgid))
    if message is None:
        return []
    message.revoked_at = message.revoked_at or at
    write_rows(work.session)
    _hide_last_words(work.session, message)
    unsupported = _unsupported_tags(work.session, message)
    for tagging in unsupported:
        tagging.revoked_at = message.revoked_at
        if work.settings.tables.privacy.revoked == "remove":
            tagging.removed_at, tagging.removed_because = work.now, BECAUSE
    return [tagging for tagging in unsupported if tagging.removed_at is not None]


def _unsupported_tags(session: Session, message: Message) -> list[Tagging]:
    """The tags the customer carries by a rule, for which only revoked messages are evidence."""
    tags = set(session.scalars(select(Evidence.tag).where(Evidence.message_id == message.id)))
    carried = select(Tagging).where(
        Tagging.customer_id == message.customer_id,
        Tagging.tag.in_(tags),
        Tagging.by == "rule",
        Tagging.removed_at.is_(None),
        Tagging.revoked_at.is_(None),
    )
    return [tagging for tagging in session.scalars(carried).all() if not _has_other_evidence(session, tagging)]


def _has_other_evidence(session: Session, tagging: Tagging) -> bool:
    """Whether anything but a revoked message is evidence for the tag."""
    standing = (
        select(Evidence.id)
        .outerjoin(Message, Message.id == Evidence.message_id)
        .where(Evidence.customer_id == tagging.customer_id, Evidence.tag == tagging.tag, Evidence.counted > 0)
        .where(Message.revoked_at.is_(None))
    )
    return session.scalar(standing.limit(1)) is not None


def _hide_last_words(session: Session, message: Message) -> None:
    """Keep the board from showing words that were taken back."""
    customer = session.get(Customer, message.customer_id) if message.customer_id else None
    if customer is not None and message.role == "customer" and customer.last_word_at == message.sent_at:
        customer.last_words = REVOKED_LINE
