"""The signed board link: opens the board, read-only, to anyone who has it."""

from __future__ import annotations

import hashlib

from flask import current_app, redirect, request, session, url_for
from werkzeug.wrappers import Response

from bot.platform import clock
from bot.platform.signed_links import read_board_key
from bot.web.auth import sessions
from bot.web.auth.visitor import visitor_or_none

_UNTIL = "board_until"
LINK = "board_link"  # which link it was: readings by each are told apart


def take_board_link() -> Response | None:
    """Before every page of the board: take a key out of the address into the session (may raise BadLinkError)."""
    key = request.args.get("key")
    if key is None:
        return None
    if visitor_or_none() is None:
        signing_key = current_app.config["SECRET_KEY"]
        sessions.name_session()
        session[LINK] = hashlib.sha256(key.encode()).hexdigest()[:6]
        session[_UNTIL] = int(read_board_key(key, signing_key, clock.now()).timestamp())
    return redirect(url_for("board.show", pipeline=request.args.get("pipeline")))
