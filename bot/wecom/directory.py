"""Reads the company's directory: members with their departments and leaders, and the departments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.wecom.api import WeComClient
from bot.wecom.errors import WeComError
from bot.wecom.plain import clean, items, list_of, objects, small_number, wecom_id, whole_number

ACTIVE, DISABLED, NOT_ACTIVATED, LEFT = 1, 2, 4, 5
_NOT_FOR_US = frozenset({48002, 60011})


@dataclass(frozen=True)
class WeComMember:
    """A member. leads: those of their departments that they lead. leaders: userids of their direct leaders.

    status: WeCom's number (1 active, 2 disabled, 4 not activated, 5 left)."""

    userid: str
    name: str
    departments: tuple[int, ...] = ()
    leads: tuple[int, ...] = ()
    leaders: tuple[str, ...] = ()
    position: str = ""
    status: int = ACTIVE


@dataclass(frozen=True)
class WeComDepartment:
    """A department; the name is "" where WeCom does not show it to our app."""

    id: int
    parent_id: int
    name: str
    position: int


def read_person(said: Mapping[str, Any]) -> WeComMember:
    """A member from user/get's answer or a row of user/list."""
    departments = [whole_number(number) for number in items(said.get("department"))]
    flags = [whole_number(flag) for flag in items(said.get("is_leader_in_dept"))]
    led = [number for number, flag in zip(departments, flags, strict=False) if flag == 1]
    return WeComMember(
        userid=wecom_id(said.get("userid")),
        name=clean(said.get("name")),
        departments=_numbers(departments),
        leads=_numbers(led),
        leaders=tuple(filter(None, map(wecom_id, items(said.get("direct_leader"))))),
        position=clean(said.get("position")),
        status=whole_number(said.get("status")) or ACTIVE,
    )


def person(client: WeComClient, userid: str) -> WeComMember:
    """One member; WeComError 60111 where there is none any more, 60011 where our app may not see them."""
    return read_person(client.member(userid))


def people(client: WeComClient, department: int) -> list[WeComMember]:
    """The members of one department, not of those below it."""
    answer = client.get("user/list", params={"department_id": department})
    rows = objects(list_of(answer, "userlist", "user/list"))
    return [found for row in rows if (found := read_person(row)).userid]


def departments(client: WeComClient) -> list[WeComDepartment]:
    """All departments that our app may see, without names where it may not see these."""
    try:
        rows = list_of(client.get("department/list"), "department", "department/list")
    except WeComError as error:
        if error.errcode not in _NOT_FOR_US:
            raise
        rows = list_of(client.get("department/simplelist"), "department_id", "department/simplelist")
    return [found for row in objects(rows) if (found := _department(row)).id]


def _department(said: Mapping[str, Any]) -> WeComDepartment:
    return WeComDepartment(
        small_number(said.get("id")),
        small_number(said.get("parentid")),
        clean(said.get("name")),
        small_number(said.get("order")),
    )


def _numbers(values: list[int | None]) -> tuple[int, ...]:
    return tuple(value for value in values if value and 0 < value < 2**31)
