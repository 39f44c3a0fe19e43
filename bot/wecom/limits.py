"""How often WeCom lets itself be called: its limits as a table, and the doorkeeper whom a client asks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.wecom.errors import WeComError


@dataclass(frozen=True)
class Limit:
    """At most so many in any so many seconds: calls (`corp`), messages to each member who is written to (`member`),
    or messages times receivers (`app`)."""

    scope: Literal["corp", "member", "app"]
    most: int
    seconds: int


ANY = "*"
# What we allow ourselves, a little below WeCom's own figures: other apps of the corp count there as well, and what
# exceeds a member's is dropped in silence.
LIMITS: dict[str, tuple[Limit, ...]] = {
    ANY: (Limit("corp", 9_500, 60), Limit("corp", 145_000, 3600)),  # 10,000 and 150,000
    "message/send": (Limit("member", 28, 60), Limit("member", 970, 3600)),  # 30 and 1,000
    "get_jsapi_ticket": (Limit("corp", 380, 3600),),  # 400
    "ticket/get": (Limit("corp", 95, 3600),),  # 100
    "message/getchatdata": (Limit("corp", 580, 60),),  # 600
}

_PERSON_TIMES = 200  # a day for each account that the company may have; the excess is dropped in silence
_DAY = 86_400


def day_limits(accounts: int | None) -> tuple[Limit, ...]:
    """What WeCom lets one app send a day; nothing where nobody told us how many accounts the company may have."""
    return (Limit("app", accounts * _PERSON_TIMES * 95 // 100, _DAY),) if accounts else ()


# APIs that fail together: the breaker of one does not stop the others.
GROUPS = {
    "message/getchatdata": "archive",
    "message/getchatmediadata": "archive",
    "gettoken": "token",
    "get_jsapi_ticket": "ticket",
    "auth/getuserinfo": "login",
    "auth/getuserdetail": "login",
}


def limits_of(api: str, scope: str) -> tuple[Limit, ...]:
    """The limits that a call of this API must keep."""
    return tuple(limit for limit in (*LIMITS.get(api, ()), *LIMITS[ANY]) if limit.scope == scope)


def group_of(api: str) -> str:
    """The name of the APIs that fail together with this one: message, externalcontact, user, ..."""
    return GROUPS.get(api) or api.partition("/")[0]


class CallGate(Protocol):
    """Stands between a client and the network."""

    def before(self, api: str, members: Sequence[str]) -> None:
        """Let a call through, or raise Held. members: the userids whom it would write to."""

    def after(self, api: str, error: WeComError | None) -> None:
        """Take note of how a call that was let through ended."""
