"""NewMessage: a message about to be stored, as plain values, since there are so many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.orm import Session

from bot.platform.database.bulk import insert_columns
from bot.platform.models import Message, Model


@dataclass(slots=True)
class NewMessage:
    """The columns of a Message."""

    id: int
    msgid: str
    seq: int
    action: str
    kind: str
    sender: str
    role: str
    roomid: str
    customer_id: int | None
    agent_id: int | None
    sent_at: datetime
    stored_at: datetime
    text: str = field(repr=False)
    line: str = field(repr=False)
    raw: str = field(repr=False)
    version: str
    revokes: str | None
    revoked_at: datetime | None = None
    unagreed: bool = False


AnyMessage: TypeAlias = "Message | NewMessage"
_COLUMNS = tuple(one.name for one in fields(NewMessage))


def insert_messages(session: Session, messages: Sequence[NewMessage]) -> None:
    """Insert messages that are known to be new, by one statement."""
    if messages:
        columns = {name: [getattr(message, name) for message in messages] for name in _COLUMNS}
        insert_columns(session.connection(), Model.metadata.tables[Message.__tablename__], columns)
