"""Who may look at the board: whoever came by a signed link that is still good (signing in comes later)."""

from __future__ import annotations

from datetime import datetime

from flask import current_app, redirect, request, session, url_for
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from bot import clock
from bot.links import read_board_key

_UNTIL = "board_until"


class NeedsBoardLink(Forbidden):
    """The visitor has no key, or it is over."""


def require_board_link() -> Response | None:
    """Before every page of the board: let in, take the key out of the address, or refuse (also by BadLink)."""
    now = clock.now()
    key = request.args.get("key")
    if key is not None and not _is_open(now):
        session[_UNTIL] = int(read_board_key(key, _signing_key(), now).timestamp())
    if not _is_open(now):
        raise NeedsBoardLink
    if key is None:
        return None
    return redirect(url_for("board.show", pipeline=request.args.get("pipeline")))


def _is_open(now: datetime) -> bool:
    until = session.get(_UNTIL)
    return isinstance(until, int) and now.timestamp() < until


def _signing_key() -> bytes:
    key = current_app.config["SECRET_KEY"]
    assert isinstance(key, bytes)
    return key
