"""What the members of group chats are called, so that a mention of one is told from what is said."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform.models import Agent, Customer, GroupChat, GroupMember
from taggers.nobody import may_mention, without_mentions


def names_in(session: Session, rooms: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What members of these groups are called: their nicknames there, our own people's and customers' names."""
    rows = session.execute(
        select(GroupChat.chat_id, GroupMember.name, Agent.name, Customer.name)
        .join(GroupMember, GroupMember.group_id == GroupChat.id)
        .outerjoin(Agent, Agent.key == GroupMember.person)
        .outerjoin(Customer, Customer.external_userid == GroupMember.person)
        .where(GroupChat.chat_id.in_(rooms))
    ).all()
    found: dict[str, set[str]] = {}
    for room, *names in rows:
        found.setdefault(room, set()).update(name for name in names if name)
    return {room: tuple(names) for room, names in found.items()}


class StoredTalk:
    """Reads stored text as it was heard when it came: in a group without the mentions. Each group is read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[str, tuple[str, ...]] = {}

    def heard(self, text: str, roomid: str) -> str:
        """The text of a text message, every place as it was."""
        if not roomid or not may_mention(text):
            return text
        if roomid not in self._names:
            self._names[roomid] = names_in(self._session, [roomid]).get(roomid, ())
        return without_mentions(text, self._names[roomid])
