"""Group chats: keeps the groups met in events and in the archive, with their members as WeCom tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.identity import known_agents
from bot.customers.state import latest
from bot.customers.tombstones import still_erased
from bot.delivery.handler import NotNeededError, OutboxHandler
from bot.platform.database.store import insert_new
from bot.platform.models import GroupChat, GroupMember, Outbox
from bot.platform.work import Work
from bot.wecom import audit, groups
from bot.wecom.errors import WeComError
from bot.wecom.groups import WeComGroup
from bot.wecom.messages import ArchivedMessage, party_of

if TYPE_CHECKING:
    from bot.system import System

SETTLES = timedelta(seconds=5)  # WeCom's details lag some seconds behind its events
# groupchat/get: not a customer group (90501), no such chat (40050), or its owner is out of our sight (84061, 60011)
_NOT_OURS = frozenset({90501, 84061, 60011, 40050})
_NOT_INTERNAL = 301059  # msgaudit/groupchat/get: a customer group after all


class ReadGroup(OutboxHandler):
    """A group chat as WeCom knows it: of customers by the app, of colleagues only by the archive's own secret."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        chat = work.session.scalar(select(GroupChat).where(GroupChat.chat_id == row.payload["chat_id"]))
        if chat is not None and chat.dismissed_at is not None:
            raise NotNeededError("群已解散")
        return dict(row.payload)

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            found = groups.group(system.wecom, payload["chat_id"])
        except WeComError as error:
            if error.errcode not in _NOT_OURS:
                raise
            return self._internal(system, payload["chat_id"])
        return {"group": _as_json(found), "internal": False}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        chat = find_group(work.session, row.payload["chat_id"], work.now)
        chat.read_at = work.now
        if result.get("group"):
            take_group(work.session, _from_json(result["group"]), work.now, internal=bool(result["internal"]))

    def _internal(self, system: System, chat_id: str) -> dict[str, Any]:
        if not system.environment.needs_wecom().has_archive:
            return {}
        try:
            found = audit.internal_group(system.archive_client, chat_id)
        except WeComError as error:
            if error.errcode != _NOT_INTERNAL:
                raise
            return {}  # WeCom tells nothing of it; what the archive shows of the group must do
        return {"group": _as_json(found), "internal": True}


def ask_group(work: Work, chat_id: str, why: str, after: timedelta = SETTLES) -> None:
    """Put out a request for a group's details. why: names the occasion, for which the group is read once."""
    row = work.send_once("group_chat", f"group_chat:{chat_id}:{why}", {"chat_id": chat_id})
    if row is not None:
        row.not_before = work.now + after


def find_group(session: Session, chat_id: str, now: datetime) -> GroupChat:
    """The row of a group; made where it was not met before."""
    return find_groups(session, [chat_id], now)[chat_id[:64]]


def find_groups(session: Session, chat_ids: Iterable[str], now: datetime) -> dict[str, GroupChat]:
    """The rows of groups by chat_id; made where they were not met before."""
    wanted = sorted({chat_id[:64] for chat_id in chat_ids if chat_id})
    rows = [{"chat_id": chat_id, "name": "", "owner": "", "notice": "", "internal": False, "member_version": "",
             "first_seen_at": now} for chat_id in wanted]  # fmt: skip
    insert_new(session, GroupChat, rows, ["chat_id"])
    return {chat.chat_id: chat for chat in session.scalars(select(GroupChat).where(GroupChat.chat_id.in_(wanted)))}


def take_group(session: Session, found: WeComGroup, now: datetime, *, internal: bool = False) -> GroupChat:
    """Record a group as it was just read: its members, and that the others have left."""
    chat = find_group(session, found.chat_id, now)
    chat.name, chat.owner, chat.notice = found.name[:128], found.owner[:64], found.notice
    chat.made_at, chat.member_version = found.created_at or chat.made_at, found.version[:64]
    chat.internal, chat.read_at = internal, now
    known = {row.person: row for row in session.scalars(select(GroupMember).where(GroupMember.group_id == chat.id))}
    here, away = set(), still_erased(session, [member.person for member in found.members])
    for member in found.members:
        person = _key(member.person, member.kind)
        if member.person in away:
            continue
        here.add(person)
        row = known.get(person)
        if row is None:
            row = GroupMember(group_id=chat.id, person=person, kind=member.kind)
            session.add(row)
        row.kind, row.left_at = member.kind, None
        row.name = member.name[:128] or row.name or ""
        row.joined_at, row.join_scene = member.joined_at or row.joined_at, member.join_scene
        row.invited_by = member.invited_by[:64]
    for person, row in known.items():
        if person not in here and row.left_at is None:
            row.left_at = now
    session.flush()
    return chat


def note_rooms(work: Work, messages: Sequence[ArchivedMessage]) -> dict[str, GroupChat]:
    """Record the groups in which these were said and who was there; groups met for the first time are read.

    Returns the groups by roomid.
    """
    said = [message for message in messages if message.roomid]
    if not said:
        return {}
    chats = find_groups(work.session, [message.roomid for message in said], work.now)
    members = known_agents(work.session, {who for message in said for who in _present(message)})
    seen: dict[tuple[int, str], tuple[str, datetime]] = {}
    for message in said:
        chat = chats[message.roomid[:64]]
        chat.last_word_at = latest(chat.last_word_at, message.sent_at)
        for who in _present(message):
            kind = party_of(who, members)
            seen[(chat.id, _key(who, kind))] = (kind, message.sent_at)
    _note_members(work.session, seen)
    for chat in chats.values():
        if chat.read_at is None:
            ask_group(work, chat.chat_id, "first", after=timedelta(0))
    return chats


def _present(message: ArchivedMessage) -> list[str]:
    return [message.sender, *message.recipients]


def _note_members(session: Session, seen: Mapping[tuple[int, str], tuple[str, datetime]]) -> None:
    """Record that whoever speaks or hears in a group is a member, whatever was known before."""
    in_these = GroupMember.group_id.in_({group_id for group_id, _ in seen})
    people, known = list({person for _, person in seen}), set()
    for start in range(0, len(people), 500):
        there = select(GroupMember).where(in_these, GroupMember.person.in_(people[start : start + 500]))
        for row in session.scalars(there):
            place = (row.group_id, row.person)
            known.add(place)
            if place in seen and row.left_at is not None and row.left_at < seen[place][1]:
                row.left_at = None
    away = still_erased(session, people)
    rows = [{"group_id": group_id, "person": person, "kind": kind, "name": "", "invited_by": ""}
            for (group_id, person), (kind, _) in seen.items()
            if (group_id, person) not in known and person not in away]  # fmt: skip
    insert_new(session, GroupMember, rows, ["group_id", "person"])


def record_left(session: Session, chat: GroupChat, people: Iterable[str], at: datetime) -> None:
    """Record that these have left, as an event says; the next reading confirms or corrects it."""
    keys = {key for who in people for key in (who, who.casefold())}
    gone = select(GroupMember).where(GroupMember.group_id == chat.id, GroupMember.person.in_(keys))
    for row in session.scalars(gone):
        row.left_at = row.left_at or at


def record_dismissed(session: Session, chat: GroupChat, at: datetime) -> None:
    """Record that the group is dissolved; what was said in it stays."""
    chat.dismissed_at = chat.dismissed_at or at
    for row in session.scalars(select(GroupMember).where(GroupMember.group_id == chat.id)):
        row.left_at = row.left_at or at


def _key(person: str, kind: str) -> str:
    return (person.casefold() if kind == "agent" else person)[:64]


def _as_json(found: WeComGroup) -> dict[str, Any]:
    members = [[m.person, m.kind, m.name, _stamp(m.joined_at), m.join_scene, m.invited_by] for m in found.members]
    return {"chat_id": found.chat_id, "name": found.name, "owner": found.owner, "notice": found.notice,
            "made_at": _stamp(found.created_at), "version": found.version, "members": members}  # fmt: skip


def _from_json(row: Mapping[str, Any]) -> WeComGroup:
    members = tuple(
        groups.WeComGroupMember(person, kind, name, _instant(joined), scene, invited)
        for person, kind, name, joined, scene, invited in row["members"]
    )
    made = _instant(row["made_at"])
    return WeComGroup(row["chat_id"], row["name"], row["owner"], row["notice"], made, members, (), row["version"])


def _stamp(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _instant(stamp: str | None) -> datetime | None:
    return datetime.fromisoformat(stamp) if stamp else None
