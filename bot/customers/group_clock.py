"""GroupClock: keeps, for each group of customers, since when a question waits there that no colleague answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.kept_clock import keep, kept, said_by
from bot.customers.new_message import AnyMessage
from bot.platform.config.settings import Settings
from bot.platform.models import GroupChat, Message
from bot.platform.work import Work
from sop.reply_clock import Said, Wait, Word, advance, wait_of

_LOOKED_BACK = timedelta(days=14)  # so far back a group is read again
_WORDS = ("text", "mixed")


def spoke_in_group(work: Work, group: GroupChat | None, message: AnyMessage) -> None:
    """Start or stop the clock of the group; it is nobody's whose customers are not in it."""
    if group is None or group.internal or message.action != "send":
        return
    wait = kept(group)
    moved = advance(wait, Word(message.sent_at, message.msgid, _said(work.settings, message)))
    if moved is None:
        reread_group(work, group)
    elif moved is not wait:
        _keep(group, moved)


def reread_group(work: Work, group: GroupChat | None) -> None:
    """Have the clock of a group told from all that was said there, once all of the batch is stored."""
    if work.batch is not None and group is not None and group.clock:
        work.batch.unsettled_groups[group.id] = group


def settle_groups(work: Work) -> None:
    """Tell the clocks that only the whole conversation can tell, by one query for all of them."""
    unsettled: dict[int, GroupChat] = work.batch.unsettled_groups if work.batch is not None else {}
    if not unsettled:
        return
    rooms = {group.chat_id for group in unsettled.values()}
    messages = _messages(work.session, rooms, work.now - _LOOKED_BACK)
    for group in unsettled.values():
        _keep(group, wait_of(_words(work.settings, [one for one in messages if one.roomid == group.chat_id])))


def _keep(group: GroupChat, wait: Wait) -> None:
    if keep(group, wait):
        group.waiting_told_at = None


def _words(settings: Settings, messages: Iterable[Message]) -> Iterable[Word]:
    return (Word(one.sent_at, one.msgid, _said(settings, one)) for one in messages)


def _said(settings: Settings, message: AnyMessage) -> Said:
    """What a message is to the clock of its group: of customers only written words ask, a picture is for all."""
    if message.role == "customer" and message.kind not in _WORDS:
        return "other"
    return said_by(settings, message) if message.role in ("customer", "agent") else "other"


def _messages(session: Session, rooms: Iterable[str], since: datetime) -> Sequence[Message]:
    query = select(Message).where(
        Message.roomid.in_(sorted(rooms)),
        Message.roomid != "",
        Message.sent_at >= since,
        Message.action == "send",
        Message.role.in_(("customer", "agent")),
        Message.unagreed.is_(False),
        Message.revoked_at.is_(None),
    )
    return session.scalars(query).all()
