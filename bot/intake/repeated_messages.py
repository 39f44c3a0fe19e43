"""Repeated messages: a msgid that comes again with other words was edited or forged; it is kept, and not believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.tombstones import GONE
from bot.platform.database.among import among
from bot.platform.models import Message

if TYPE_CHECKING:
    from bot.intake.messages import OpenedRow

OTHER_WORDS = "msgid 出现过，而这次内容不同：可能被编辑过，也可能是伪造的，没有采用"


def with_other_words(session: Session, repeated: Sequence[OpenedRow], first: Sequence[OpenedRow]) -> list[OpenedRow]:
    """Those of the repeated rows that say something else than the message which came first under their msgid.

    first: what came before them in the same batch. The others are stored; one that an erasure has blanked cannot be
    compared, and is passed over.
    """
    if not repeated:
        return []
    known = {row.message.msgid: row.message.raw for row in reversed(first)}
    wanted = {row.message.msgid for row in repeated}
    stored = select(Message.msgid, Message.raw).where(among(Message.msgid, wanted))
    known.update({msgid: raw.encode() for msgid, raw in session.execute(stored)})
    return [row for row in repeated if _differs(known.get(row.message.msgid, b""), row.message.raw)]


def _differs(before: bytes, now: bytes) -> bool:
    if not before or GONE.encode() in before:
        return False
    return _read(before) != _read(now)


def _read(raw: bytes) -> object:
    try:
        return orjson.loads(raw.decode("utf-8", "replace").replace("\x00", ""))
    except ValueError:
        return raw
