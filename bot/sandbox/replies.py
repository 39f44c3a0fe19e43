"""Replies of the API: errcodes, refusals, and the registry of endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.state import Json, Sandbox

ERRMSG = {
    -1: "system busy",
    40001: "invalid credential",
    40003: "invalid userid",
    40004: "invalid media type",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40029: "invalid code",
    40035: "invalid parameter",
    40056: "invalid agentid",
    40058: "invalid request parameter",
    40063: "some parameters are empty",
    40068: "invalid tagid",
    40096: "invalid external userid",
    40126: "tag quota exceeded",
    41001: "access_token missing",
    41004: "corpsecret missing",
    41046: "group msg not exist",
    41047: "invalid msgid",
    41048: "no customer to send",
    41050: "invalid welcome code",
    41051: "externaluser has started chatting",
    41053: "externaluser has not agreed to msgaudit",
    41063: "group msg is dispatching",
    41093: "group msg has been cancelled",
    41094: "group msg reminded too many times",
    42001: "access_token expired",
    42003: "code expired",
    42014: "invalid template_card field",
    42022: "code has been used",
    42051: "invalid response_code",
    42052: "message recall expired",
    43012: "no callback url for callback card",
    44001: "empty media data",
    44004: "empty content",
    45002: "content size out of limit",
    45001: "media size out of limit",
    45009: "api freq out of limit",
    45035: "concurrent writes to the same customer",
    48002: "api forbidden for no authority",
    60011: "no privilege to access/modify contact/party/agent",
    60020: "not allow to access from your ip",
    60111: "userid not found",
    81013: "user & party & tag all invalid",
    84014: "user_ticket expired",
    84015: "invalid user_ticket",
    84061: "not external contact",
    90500: "group owner has not resigned",
    90501: "not an external group chat",
    301002: "not allow to access this agent",
    301042: "not allowed ip",
    301048: "data expired",
    301053: "msgaudit not enabled",
    301058: "response too large",
    301059: "not internal group",
    301060: "too many items",
}


class RefusalError(Exception):
    """The call is answered with an errcode (still HTTP 200); `extra` fields go into the reply."""

    def __init__(self, errcode: int, detail: str = "", **extra: Any) -> None:
        super().__init__(errcode, detail)
        self.errcode, self.detail, self.extra = errcode, detail, extra

    def reply(self, empty: Mapping[str, Any], address: str, now: float) -> Json:
        text = ERRMSG.get(self.errcode, "error") + (f": {self.detail}" if self.detail else "")
        hint = f"{text}, hint: [{now:.0f}_sandbox], from ip: {address}, more info at "
        link = f"https://open.work.weixin.qq.com/devtool/query?e={self.errcode}"
        return {"errcode": self.errcode, "errmsg": hint + link, **empty, **self.extra}


@dataclass(frozen=True)
class UploadedFile:
    """The file of a multipart request."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Download:
    """An answer that is a file, not JSON."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """One request as an endpoint sees it. kind: whose token was used: app, archive, contacts."""

    query: Mapping[str, str]
    body: Json
    now: float
    kind: str = ""
    raw: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: UploadedFile | None = None

    def text(self, name: str, errcode: int = 40058) -> str:
        """A string of the body that must be there and not empty."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise RefusalError(errcode, name)
        return value

    def texts(self, name: str, most: int | None = None) -> list[str]:
        """A list of strings of the body; absent counts as empty."""
        value = self.body.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise RefusalError(40058, f"{name} must be a list of strings")
        if most is not None and len(value) > most:
            raise RefusalError(40058, f"{name} holds more than {most}")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise RefusalError(40058, f"{name} must be an integer from {least} to {most}")
        return value


Answer = Json | Download


@dataclass(frozen=True)
class Endpoint:
    """A path below /cgi-bin/: who may call it, how often, and the fields a failure still carries."""

    path: str
    method: str
    answer: Callable[[Sandbox, Call], Answer]
    by: tuple[str, ...]
    empty: Mapping[str, Any]
    limit: tuple[int, int]


ENDPOINTS: dict[str, Endpoint] = {}


def endpoint(
    path: str,
    method: str = "POST",
    by: tuple[str, ...] = ("app",),
    empty: Mapping[str, Any] | None = None,
    limit: tuple[int, int] = (10_000, 60),
) -> Callable[[Callable[[Sandbox, Call], Answer]], Callable[[Sandbox, Call], Answer]]:
    """Register the function that answers a path. `limit`: so many calls in so many seconds, then 45009."""

    def register(answer: Callable[[Sandbox, Call], Answer]) -> Callable[[Sandbox, Call], Answer]:
        ENDPOINTS[path] = Endpoint(path, method, answer, by, empty or {}, limit)
        return answer

    return register


def page_of(items: list[Any], call: Call, limit: int) -> tuple[list[Any], str]:
    """One page of a list and the next cursor ("" at the end); a cursor is the position it continues at."""
    cursor = call.body.get("cursor") or "0"
    if not isinstance(cursor, str) or not cursor.isdigit():
        raise RefusalError(40058, "cursor")
    start = int(cursor)
    following = start + limit
    return items[start:following], str(following) if following < len(items) else ""
