"""Recalled messages: marks a message that its sender took back, and the tags that no other evidence supports."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Customer, Evidence, Message, Tagging
from bot.platform.work import Work

REVOKED_LINE = "[撤回了一条消息]"
BECAUSE = "依据的消息已撤回"


def mark_revoked(work: Work, messages: Sequence[Message]) -> None:
    """Match revocations with the messages they revoke, in whichever order they came; call it when both are stored."""
    told = {message.revokes: message.sent_at for message in messages if message.revokes}
    mine = {message.msgid for message in messages if not message.revokes}
    earlier = select(Message.revokes, Message.sent_at).where(Message.revokes.in_(mine))
    for msgid, at in work.session.execute(earlier):
        if msgid is not None:
            told.setdefault(msgid, at)
    if not told:
        return
    for message in work.session.scalars(select(Message).where(Message.msgid.in_(told), Message.revoked_at.is_(None))):
        message.revoked_at = told[message.msgid]


def withdraw_tags(work: Work, messages: Sequence[Message]) -> None:
    """Mark, or by [privacy] revoked remove, the tags for which only revoked messages are evidence."""
    told = [message.revokes for message in messages if message.revokes]
    taken = work.session.scalars(select(Message).where(Message.msgid.in_(told))).all() if told else ()
    taken = [*taken, *(message for message in messages if message.revoked_at is not None)]
    for message in {message.id: message for message in taken}.values():
        _hide_last_words(work.session, message)
        for tagging in _unsupported_tags(work.session, message):
            tagging.revoked_at = message.revoked_at
            if work.settings.tables.privacy.revoked == "remove":
                tagging.removed_at, tagging.removed_because = work.now, BECAUSE


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
        .where(Evidence.customer_id == tagging.customer_id, Evidence.tag == tagging.tag, Message.revoked_at.is_(None))
    )
    return session.scalar(standing.limit(1)) is not None


def _hide_last_words(session: Session, message: Message) -> None:
    """Keep the board from showing words that were taken back."""
    customer = session.get(Customer, message.customer_id) if message.customer_id else None
    if customer is not None and message.role == "customer" and customer.last_word_at == message.sent_at:
        customer.last_words = REVOKED_LINE
