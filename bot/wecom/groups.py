"""Customer groups: all of them, and one with its members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.wecom.api import WeComClient
from bot.wecom.plain import clean, items, mapping, whole

_MOST_OWNERS = 100


@dataclass(frozen=True)
class Member:
    """Someone in a group. kind: agent | customer. join_scene: 1 invited, 2 by link, 3 by QR code."""

    person: str
    kind: str
    name: str
    joined_at: datetime | None
    join_scene: int | None
    invited_by: str


@dataclass(frozen=True)
class Group:
    """A customer group; `version` changes with its members (compare it with a ChatChange's)."""

    chat_id: str
    name: str
    owner: str
    notice: str
    created_at: datetime | None
    members: tuple[Member, ...]
    admins: tuple[str, ...]
    version: str


def group_ids(client: WeComClient, owners: Sequence[str]) -> Iterator[str]:
    """The chat_ids of the groups that these agents own. WeCom asks for owners where the app sees many (81017)."""
    for at in range(0, len(owners), _MOST_OWNERS):
        question = {
            "status_filter": 0,
            "owner_filter": {"userid_list": list(owners[at : at + _MOST_OWNERS])},
            "limit": 1000,
        }
        for page in client.pages("post", "externalcontact/groupchat/list", question):
            yield from (clean(mapping(row).get("chat_id")) for row in items(page.get("group_chat_list")))


def group(client: WeComClient, chat_id: str) -> Group:
    """One group as it is now; after a change event give it some seconds to settle."""
    answer = client.post("externalcontact/groupchat/get", data={"chat_id": chat_id, "need_name": 1})
    found = mapping(answer.get("group_chat"))
    return Group(
        chat_id=clean(found.get("chat_id")) or chat_id,
        name=clean(found.get("name")),
        owner=clean(found.get("owner")),
        notice=clean(found.get("notice")),
        created_at=_instant(found.get("create_time")),
        members=tuple(map(_member, items(found.get("member_list")))),
        admins=tuple(clean(mapping(admin).get("userid")) for admin in items(found.get("admin_list"))),
        version=clean(found.get("member_version")),
    )


def _member(row: object) -> Member:
    said = mapping(row)
    return Member(
        person=clean(said.get("userid")),
        kind="agent" if whole(said.get("type")) == 1 else "customer",
        name=clean(said.get("group_nickname")) or clean(said.get("name")),
        joined_at=_instant(said.get("join_time")),
        join_scene=whole(said.get("join_scene")),
        invited_by=clean(mapping(said.get("invitor")).get("userid")),
    )


def _instant(value: object) -> datetime | None:
    seconds = whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < 2**33 else None
