"""Signed links: addresses that open one page without a sign-in, and until when."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from bot.platform.secret_files import make_once
from bot.wecom.errors import BotError

TASK_LIFE = timedelta(days=30)
DAY_LIFE = timedelta(days=2)
BOARD_LIFE = timedelta(days=1)
_PLACES = {"t": "task", "day": "day", "l": "link", "p": "picture"}


class BadLinkError(BotError):
    """A link that opens nothing; `expired` tells one that was good from one that never was."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("link expired" if expired else "link not ours")
        self.expired = expired


@dataclass(frozen=True)
class TaskLink:
    """What a task link says: this agent may open this task (`task`: its ref). issued_at: when the link was made."""

    task: str
    agent_id: int
    issued_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class DayLink:
    """What a link to a list of the day says: this agent, who was known when the link was made."""

    agent_id: int
    issued_at: datetime


def signing_key(secret: str | None, var: Path) -> bytes:
    """The key under links and sessions: from TICI_SECRET_KEY, else one made once and kept under `var`."""
    if secret:
        return hashlib.sha256(b"tici session" + secret.encode()).digest()
    path = var / "secret.key"
    if not path.exists():
        make_once(path, secrets.token_bytes(32))
    return path.read_bytes()


def task_url(base_url: str, task: str, agent_id: int, key: bytes, issued_at: datetime) -> str:
    """The address of the page of a task (by its ref) for the agent it belongs to, valid for TASK_LIFE.

    Equal arguments give equal addresses: hand in a stored time, so that a card sent again stays the same.
    """
    until = _seconds(issued_at + TASK_LIFE)
    return f"{base_url}/t/{_signer(key, 'task').dumps([task, agent_id, until])}"


def day_url(base_url: str, agent_id: int, key: bytes, issued_at: datetime) -> str:
    """The address of an agent's list of the day, valid for DAY_LIFE from `issued_at`."""
    return f"{base_url}/day/{_signer(key, 'day').dumps([agent_id, _seconds(issued_at + DAY_LIFE)])}"


def read_day_token(token: str, key: bytes, now: datetime) -> DayLink:
    """The agent whose day a link opens; raises BadLinkError."""
    agent_id, until = _opened(token, key, "day")
    _check(until, now)
    return DayLink(int(agent_id), datetime.fromtimestamp(until, UTC) - DAY_LIFE)


def link_url(base_url: str, task: str, index: int, key: bytes) -> str:
    """The tracked address of the index-th attachment of a task (by its ref); it does not show where it leads."""
    return f"{base_url}/l/{_signer(key, 'link').dumps([task, index])}"


def read_link_token(token: str, key: bytes) -> tuple[str, int]:
    """The ref of the task and the index of the attachment; raises BadLinkError."""
    task, index = _opened(token, key, "link")
    return str(task), int(index)


def picture_url(base_url: str, task: str, index: int, key: bytes) -> str:
    """The address from which WeCom fetches the cover of a task's index-th attachment, a mini-program."""
    return f"{base_url}/p/{_signer(key, 'picture').dumps([task, index])}"


def read_picture_token(token: str, key: bytes) -> tuple[str, int]:
    """The ref of the task and the index of the attachment; raises BadLinkError."""
    task, index = _opened(token, key, "picture")
    return str(task), int(index)


def peek_link(url: str) -> tuple[str, int] | None:
    """The task's ref and the index that an address claims, unverified: enough to compare it with our own links."""
    _, mark, token = url.rpartition("/l/")
    if not mark:
        return None
    _good, payload = _signer(b"", "link").loads_unsafe(token)
    if not isinstance(payload, list) or len(payload) != 2:
        return None
    task, index = payload
    return (str(task), index) if isinstance(task, int | str) and isinstance(index, int) else None


def board_url(base_url: str, key: bytes, issued_at: datetime, life: timedelta = BOARD_LIFE) -> str:
    """The address that opens the board read-only to anyone who has it, for `life` from `issued_at`."""
    return f"{base_url}/board?key={_signer(key, 'board').dumps(_seconds(issued_at + life))}"


def signed_anew(place: str, token: str, key: bytes) -> str:
    """The token of one of our addresses (`/t/`, `/day/`, `/l/`, `/p/`) as this key would have signed it.

    What the token says is not verified: for a recorded demo only, whose own links these are.
    """
    signer = _signer(key, _PLACES[place])
    _good, payload = signer.loads_unsafe(token)
    return str(signer.dumps(payload))


def read_task_token(token: str, key: bytes, now: datetime) -> TaskLink:
    """The task and agent of a link; raises BadLinkError. A link of before refs names the task's id, then its ref."""
    task, agent_id, until = _opened(token, key, "task")
    _check(until, now)
    return TaskLink(str(task), int(agent_id), datetime.fromtimestamp(until, UTC) - TASK_LIFE)


def read_board_key(token: str, key: bytes, now: datetime) -> datetime:
    """Until when this key opens the board; raises BadLinkError."""
    until = _opened(token, key, "board")
    _check(until, now)
    return datetime.fromtimestamp(until, UTC)


def _signer(key: bytes, purpose: str) -> URLSafeSerializer:
    # The expiry is part of what is signed: the signer itself never looks at a clock.
    return URLSafeSerializer(key, salt=f"tici {purpose} link", signer_kwargs={"digest_method": hashlib.sha256})


def _opened(token: str, key: bytes, purpose: str) -> Any:
    try:
        return _signer(key, purpose).loads(token)
    except BadData:
        raise BadLinkError(expired=False) from None


def _check(until: int, now: datetime) -> None:
    if _seconds(now) >= until:
        raise BadLinkError(expired=True)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
