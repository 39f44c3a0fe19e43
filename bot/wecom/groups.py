"""Reads customer groups: the ids of all, and one with its members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.wecom.api import WeComClient
from bot.wecom.errors import WeComError
from bot.wecom.plain import clean, instant, items, list_of, mapping, objects, small_number, wecom_id, whole_number

_MOST_OWNERS = 100


@dataclass(frozen=True)
class WeComGroupMember:
    """A member of a group. kind: agent | customer. join_scene: 1 invited, 2 by link, 3 by QR code."""

    person: str
    kind: str
    name: str
    joined_at: datetime | None
    join_scene: int | None
    invited_by: str


@dataclass(frozen=True)
class WeComGroup:
    """A customer group; `version` changes with its members (compare it with a ChatChange's)."""

    chat_id: str
    name: str
    owner: str
    notice: str
    created_at: datetime | None
    members: tuple[WeComGroupMember, ...]
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
            rows = objects(list_of(page, "group_chat_list", "externalcontact/groupchat/list"))
            yield from filter(None, (wecom_id(row.get("chat_id")) for row in rows))


def group(client: WeComClient, chat_id: str) -> WeComGroup:
    """One group as it is now; for some seconds after a change event the answer may still be old."""
    answer = client.post("externalcontact/groupchat/get", data={"chat_id": chat_id, "need_name": 1})
    found = mapping(answer.get("group_chat"))
    if found.get("chat_id") != chat_id:
        raise WeComError(None, "answered about another group", api="externalcontact/groupchat/get")
    members = objects(list_of(found, "member_list", "externalcontact/groupchat/get"))
    return WeComGroup(
        chat_id=chat_id,
        name=clean(found.get("name")),
        owner=clean(found.get("owner")),
        notice=clean(found.get("notice")),
        created_at=instant(found.get("create_time")),
        members=tuple(member for row in members if (member := _member(row)).person),
        admins=tuple(clean(mapping(admin).get("userid")) for admin in items(found.get("admin_list"))),
        version=clean(found.get("member_version")),
    )


def _member(said: Mapping[str, Any]) -> WeComGroupMember:
    scene = small_number(said.get("join_scene"))
    return WeComGroupMember(
        person=wecom_id(said.get("userid")),
        kind="agent" if whole_number(said.get("type")) == 1 else "customer",
        name=clean(said.get("group_nickname")) or clean(said.get("name")),
        joined_at=instant(said.get("join_time")),
        join_scene=scene or None,
        invited_by=clean(mapping(said.get("invitor")).get("userid")),
    )
