"""Problems of the API: what is wrong, where and how to mend it, as application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response
from werkzeug.exceptions import HTTPException

from bot.wecom.errors import BotError

_MENDS = {
    "missing": "add this field",
    "extra_forbidden": "this field is not known: remove it, or correct its name",
    "timezone_aware": "write the time with its zone, such as 2026-11-01T13:05:00+08:00",
}


class ProblemError(BotError):
    """A request that is refused."""

    def __init__(self, status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, list(errors)


def answer_json(value: Any, status: int = 200, kind: str = "application/json") -> Response:
    """A JSON answer that nobody stores."""
    answer = Response(orjson.dumps(value), status, content_type=kind)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def tell(problem: ProblemError) -> Response:
    """The problem as the asking program reads it."""
    title = HTTPStatus(problem.status).phrase
    told = {"type": "about:blank", "title": title, "status": problem.status, "detail": problem.detail}
    answer = answer_json(told | {"errors": problem.errors}, problem.status, "application/problem+json")
    if problem.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Tici"'
    if problem.status == HTTPStatus.TOO_MANY_REQUESTS:
        answer.headers["Retry-After"] = "60"
    return answer


def of_http(error: HTTPException) -> Response:
    """What Flask itself refuses: too large, a wrong method, too many."""
    said = {
        413: "the body is larger than 1 MB: send fewer items at once",
        429: "too many requests: wait a minute, and send more items in each",
        415: "send JSON: Content-Type: application/json",
    }
    status = error.code or 500
    return tell(ProblemError(status, said.get(status, error.description or HTTPStatus(status).phrase)))


def faults_of(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What pydantic found, each with its place; never the value itself."""
    return [
        {"pointer": "".join(f"/{_escaped(str(part))}" for part in error["loc"]), "detail": _detail(error)}
        for error in errors[:50]
    ]


def _detail(error: Mapping[str, Any]) -> str:
    mend = _MENDS.get(str(error["type"]), "")
    return f"{error['msg']}; {mend}" if mend else str(error["msg"])


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
