"""The archive's HTTP API (msgaudit): licensed members, consent to archiving, internal groups, robots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.wecom.api import WeComClient
from bot.wecom.groups import WeComGroup, WeComGroupMember
from bot.wecom.plain import clean, instant, list_of, mapping, objects, texts, wecom_id

MOST_PAIRS = 100
# WeCom's own spelling.
_CUSTOMER = "exteranalopenid"
_AGREED = frozenset({"Agree", "Default_Agree"})
_KNOWN = _AGREED | {"Disagree"}


@dataclass(frozen=True)
class Agreement:
    """Whether a customer agreed to be archived; status is WeCom's value (Agree, Disagree, Default_Agree)."""

    userid: str
    external_userid: str
    status: str
    changed_at: datetime | None

    @property
    def agreed(self) -> bool:
        """Whether their messages may be processed."""
        return self.status in _AGREED


def seats(client: WeComClient, edition: int | None = None) -> list[str]:
    """The userids whose conversations are archived; edition 1 office, 2 service, 3 enterprise."""
    answer = client.post("msgaudit/get_permit_user_list", data={"type": edition} if edition else {})
    return texts(list_of(answer, "ids", "msgaudit/get_permit_user_list"))


def agreements(client: WeComClient, pairs: Sequence[tuple[str, str]]) -> Iterator[Agreement]:
    """The consent for each (userid, external_userid) that WeCom knows, asked in batches of a hundred."""
    for at in range(0, len(pairs), MOST_PAIRS):
        asked = [{"userid": userid, _CUSTOMER: customer} for userid, customer in pairs[at : at + MOST_PAIRS]]
        answer = client.post("msgaudit/check_single_agree", data={"info": asked})
        yield from _read(answer, "msgaudit/check_single_agree")


def room_agreements(client: WeComClient, roomid: str) -> list[Agreement]:
    """The consent of each external member of a group."""
    answer = client.post("msgaudit/check_room_agree", data={"roomid": roomid})
    return list(_read(answer, "msgaudit/check_room_agree"))


def internal_room(client: WeComClient, roomid: str) -> Mapping[str, Any]:
    """roomname, creator, members[{memberid, jointime}] of an internal group; 301059 for a customer group."""
    return mapping(client.post("msgaudit/groupchat/get", data={"roomid": roomid}))


def internal_group(client: WeComClient, roomid: str) -> WeComGroup:
    """An internal group in the shape of a customer group; 301059 for a customer group."""
    found = internal_room(client, roomid)
    members = tuple(
        WeComGroupMember(person, "agent", "", instant(row.get("jointime")), None, "")
        for row in objects(list_of(found, "members", "msgaudit/groupchat/get"))
        if (person := wecom_id(row.get("memberid")))
    )
    owner, made = clean(found.get("creator")), instant(found.get("room_create_time"))
    name, notice = clean(found.get("roomname")), clean(found.get("notice"))
    return WeComGroup(roomid, name, owner, notice, made, members, (), "")


def robot_name(client: WeComClient, robot_id: str) -> str:
    """The name of a robot (wb...) that wrote in a group."""
    answer = client.get("msgaudit/get_robot_info", params={"robot_id": robot_id})
    return clean(mapping(answer.get("data")).get("name"))


def _read(answer: Mapping[str, Any], api: str) -> Iterator[Agreement]:
    """The consents in an answer; an unknown status is left out, so that what we know stays."""
    for said in objects(list_of(answer, "agreeinfo", api)):
        found = _agreement(said)
        if found.status in _KNOWN and found.external_userid:
            yield found


def _agreement(said: Mapping[str, Any]) -> Agreement:
    return Agreement(
        wecom_id(said.get("userid")),
        wecom_id(said.get(_CUSTOMER)),
        clean(said.get("agree_status")),
        instant(said.get("status_change_time")),
    )
