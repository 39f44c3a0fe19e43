"""Callers: who asks, by the token of the request, and what they may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import g, request

from bot.agents.api_tokens import find_token, is_stale, note_use
from bot.system import System
from bot.web.api.problems import ProblemError


@dataclass(frozen=True)
class Caller:
    """A token in force: its number, its name, the source as which it speaks, what it may."""

    token_id: int
    name: str
    source: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        return f"api:{self.name}"[:80]


def find_caller(system: System, now: datetime) -> Caller:
    """Whose request this is. Raises ProblemError."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.casefold() != "bearer" or not token.strip():
        raise ProblemError(401, "send the token: Authorization: Bearer tici_…; an admin makes one in 设置 → 接口")
    with system.store.read() as session:
        row = find_token(session, token.strip()[:200])
        if row is None:
            raise ProblemError(401, "this token is not known, or was revoked; an admin makes one in 设置 → 接口")
        caller, stale = Caller(row.id, row.name, row.source, frozenset(row.scopes)), is_stale(row, now)
    if stale:
        with system.store.write() as session:
            note_use(session, caller.token_id, now)
    return caller


def caller_with(scope: str) -> Caller:
    """The caller, who must have this scope. Raises ProblemError."""
    caller: Caller = g.api_caller
    if scope not in caller.scopes:
        raise ProblemError(403, f"this token lacks the scope {scope}; an admin makes one with it in 设置 → 接口")
    return caller
