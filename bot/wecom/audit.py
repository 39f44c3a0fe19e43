"""What the archive's HTTP side tells: who has a seat, who agreed to be archived, who is in an internal group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.wecom.api import WeComClient
from bot.wecom.groups import Group, Member
from bot.wecom.plain import clean, items, mapping, whole

MOST_PAIRS = 100
# WeCom's own spelling.
_CUSTOMER = "exteranalopenid"
_AGREED = frozenset({"Agree", "Default_Agree"})


@dataclass(frozen=True)
class Agreement:
    """Whether a customer agreed to be archived; status is WeCom's word (Agree, Disagree, Default_Agree)."""

    userid: str
    external_userid: str
    status: str
    changed_at: datetime | None

    @property
    def agreed(self) -> bool:
        """Whether his messages may be processed."""
        return self.status in _AGREED


def seats(client: WeComClient, edition: int | None = None) -> list[str]:
    """The userids whose conversations are archived; edition 1 office, 2 service, 3 enterprise."""
    answer = client.post("msgaudit/get_permit_user_list", data={"type": edition} if edition else {})
    return [clean(userid) for userid in items(answer.get("ids"))]


def agreements(client: WeComClient, pairs: Sequence[tuple[str, str]]) -> Iterator[Agreement]:
    """One for each (userid, external_userid) that WeCom knows, asked a hundred at a time."""
    for at in range(0, len(pairs), MOST_PAIRS):
        asked = [{"userid": userid, _CUSTOMER: customer} for userid, customer in pairs[at : at + MOST_PAIRS]]
        answer = client.post("msgaudit/check_single_agree", data={"info": asked})
        yield from map(_agreement, items(answer.get("agreeinfo")))


def room_agreements(client: WeComClient, roomid: str) -> list[Agreement]:
    """The outsiders of a group and whether they agreed."""
    answer = client.post("msgaudit/check_room_agree", data={"roomid": roomid})
    return [_agreement(item) for item in items(answer.get("agreeinfo"))]


def internal_room(client: WeComClient, roomid: str) -> Mapping[str, Any]:
    """roomname, creator, members[{memberid, jointime}] of an internal group; 301059 for a customer group."""
    return mapping(client.post("msgaudit/groupchat/get", data={"roomid": roomid}))


def internal_group(client: WeComClient, roomid: str) -> Group:
    """An internal group in the shape of a customer group; 301059 for a customer group."""
    found = internal_room(client, roomid)
    members = tuple(
        Member(clean(mapping(row).get("memberid")), "agent", "", _when(mapping(row).get("jointime")), None, "")
        for row in items(found.get("members"))
    )
    owner, made = clean(found.get("creator")), _when(found.get("room_create_time"))
    name, notice = clean(found.get("roomname")), clean(found.get("notice"))
    return Group(roomid, name, owner, notice, made, members, (), "")


def robot_name(client: WeComClient, robot_id: str) -> str:
    """The name of a robot (wb...) that spoke in a group."""
    answer = client.get("msgaudit/get_robot_info", params={"robot_id": robot_id})
    return clean(mapping(answer.get("data")).get("name"))


def _agreement(item: object) -> Agreement:
    said = mapping(item)
    return Agreement(
        clean(said.get("userid")),
        clean(said.get(_CUSTOMER)),
        clean(said.get("agree_status")),
        _when(said.get("status_change_time")),
    )


def _when(value: object) -> datetime | None:
    seconds = whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < 2**33 else None
