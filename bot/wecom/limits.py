"""WeCom's rate limits as a table, and CallGate, the protocol that a client asks before each call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.wecom.errors import WeComError


@dataclass(frozen=True)
class Limit:
    """At most `most` in any `seconds`: of calls (`corp`), of messages to each member (`member`), or of messages times
    receivers (`app`)."""

    scope: Literal["corp", "member", "app"]
    most: int
    seconds: int


ANY = "*"
# What we allow ourselves, a little below WeCom's own figures (behind each line): other apps of the corp count
# as well, and messages beyond a member's limit are dropped without an error.
LIMITS: dict[str, tuple[Limit, ...]] = {
    ANY: (Limit("corp", 9_500, 60), Limit("corp", 145_000, 3600)),  # 10,000 and 150,000
    "message/send": (Limit("member", 28, 60), Limit("member", 970, 3600)),  # 30 and 1,000
    "get_jsapi_ticket": (Limit("corp", 380, 3600),),  # 400
    "ticket/get": (Limit("corp", 95, 3600),),  # 100
    "message/getchatdata": (Limit("corp", 580, 60),),  # 600
}

_PERSON_TIMES = 200  # a day for each account of the company's limit; the excess is dropped without an error
_DAY = 86_400


def day_limits(accounts: int | None) -> tuple[Limit, ...]:
    """The daily limit of one app; none where the company's number of accounts (WECOM_ACCOUNTS) is not given."""
    return (Limit("app", accounts * _PERSON_TIMES * 95 // 100, _DAY),) if accounts else ()


# Groups of APIs that fail together, where the first part of the path does not name them; each has its own breaker.
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
    """The group of APIs that fail together with this one: message, externalcontact, user, ..."""
    return GROUPS.get(api) or api.partition("/")[0]


class CallGate(Protocol):
    """Decides whether a client may make a call."""

    def before(self, api: str, members: Sequence[str]) -> None:
        """Let a call through, or raise CallHeldError. members: the userids it would write to."""

    def after(self, api: str, error: WeComError | None) -> None:
        """Record the outcome of a call that was let through."""
