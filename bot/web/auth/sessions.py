"""Sessions: how long a browser stays signed in; renewed at every sign-in, ended by idleness and by age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING

from flask import Flask, request, session
from flask_login import login_user
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.database.store import insert_new
from bot.platform.models import Account, SpentState

if TYPE_CHECKING:
    from bot.web.auth.visitor import Visitor

_SINCE, _SEEN, _KIND, _USER, _ID, _PROVED = "since", "seen", "kind", "_user_id", "id", "proved"
_KEPT = ("lang",)
_HALF = "half"
HALF_LIFE = timedelta(minutes=5)
PROOF_LIFE = timedelta(minutes=10)
_NOTE_EVERY = timedelta(minutes=5)  # not every answer needs a fresh cookie


@dataclass(frozen=True)
class Lifetime:
    """How long a session lasts: without a click, and in all."""

    idle: timedelta
    whole: timedelta


LIFETIMES = {
    "desk": Lifetime(timedelta(hours=12), timedelta(days=7)),
    "phone": Lifetime(timedelta(days=7), timedelta(days=30)),  # inside WeCom, which has a lock of its own
}


def prepare(app: Flask, *, secure: bool) -> None:
    """Name and guard the cookie; note when the visitor was last active."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-tici" if secure else "tici",  # the sandbox has its own on the same host
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # WeCom's page leads back to us: Strict would come without the cookie
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=max(life.whole for life in LIFETIMES.values()),
    )
    app.before_request(_note_activity)


def begin(found: Visitor, kind: str, now: datetime) -> None:
    """Begin a new session for a visitor who has just signed in; of the old one only the language is kept."""
    kept = {name: session[name] for name in _KEPT if name in session}
    session.clear()
    session.update({**kept, _SINCE: int(now.timestamp()), _SEEN: int(now.timestamp()), _KIND: kind})
    name_session()
    prove(now)
    session.permanent = True
    login_user(found)


@dataclass(frozen=True)
class HalfSignedIn:
    """Whose password was right, while their code is waited for."""

    account_id: int
    serial: int
    onwards: str


def begin_half(account: Account, onwards: str, now: datetime) -> None:
    """Note that the password was right; whoever was signed in here still is."""
    until = int((now + HALF_LIFE).timestamp())
    session[_HALF] = [account.id, account.serial, until, onwards[:500]]


def half(now: datetime) -> HalfSignedIn | None:
    """Whose password was right here within five minutes, and whose code is waited for."""
    kept = session.get(_HALF)
    if not isinstance(kept, list) or len(kept) != 4 or now.timestamp() >= kept[2]:
        return None
    return HalfSignedIn(kept[0], kept[1], kept[3])


def prove(now: datetime) -> None:
    """Note that the visitor has just shown, by password or WeCom, that it is they."""
    session[_PROVED] = int(now.timestamp())


def is_proved(now: datetime) -> bool:
    """Whether they have shown it within ten minutes."""
    proved = session.get(_PROVED)
    return isinstance(proved, int) and 0 <= int(now.timestamp()) - proved < PROOF_LIFE.total_seconds()


def name_session() -> None:
    """Give this browser's session a name of its own, by which it can be ended for good."""
    session[_ID] = token_hex(16)


def end() -> None:
    """Empty this browser's session."""
    kept = {name: session[name] for name in _KEPT if name in session}
    session.clear()
    session.update(kept)


def is_named() -> bool:
    """Whether this browser has a session that can be ended: of somebody signed in, or by a board link."""
    return _ID in session


def revoke(database: Session, now: datetime) -> None:
    """End this session for good: a copy of its cookie opens nothing any more."""
    if _ID in session:
        until = now + max(life.whole for life in LIFETIMES.values())
        insert_new(database, SpentState, [{"state": _key(), "spent_at": until}], ["state"])


def is_revoked(database: Session) -> bool:
    """Whether this session was signed out, here or where its cookie was copied to."""
    return _ID in session and database.get(SpentState, _key()) is not None


def _key() -> str:
    return f"session:{session[_ID]}"


def is_alive(now: datetime) -> bool:
    """Whether the session is neither too old nor idle for too long; one without its times is neither."""
    since, seen = session.get(_SINCE), session.get(_SEEN)
    life = LIFETIMES.get(session.get(_KIND, ""))
    if life is None or not isinstance(since, int) or not isinstance(seen, int):
        return False
    at = now.timestamp()
    return at < since + life.whole.total_seconds() and at < seen + life.idle.total_seconds()


def _note_activity() -> None:
    """Note the visitor's activity; a page that polls by itself is no sign of it."""
    if _USER not in session or (request.method == "GET" and _asks_by_itself()):
        return
    now = clock.now()
    seen = session.get(_SEEN)
    if isinstance(seen, int) and now.timestamp() - seen > _NOTE_EVERY.total_seconds() and is_alive(now):
        session[_SEEN] = int(now.timestamp())


def _asks_by_itself() -> bool:
    return "HX-Request" in request.headers or "text/event-stream" in request.headers.get("Accept", "")
