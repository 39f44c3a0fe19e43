"""Preferences: language and theme, kept by the visitor's browser; and the page about the visitor."""

from __future__ import annotations

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from bot.agents.accounts import end_sessions
from bot.platform import clock
from bot.platform.models import Account
from bot.web.auth import sessions
from bot.web.auth.access import needs
from bot.web.auth.signin import safe_next_path
from bot.web.auth.visitor import EVERYBODY, visitor
from bot.web.layout.labels import ACTIONS, ROLES
from bot.web.layout.languages import HTML_NAMES
from bot.web.layout.requests import current_system

pages = Blueprint("preferences", __name__)
THEMES = {"system": "跟随系统", "light": "浅色", "dark": "深色"}
LANGUAGES = {"zh": "中文", "en": "English"}
_COOKIE = "tici-theme"
_YEAR = 365 * 86400
_guard = needs(*EVERYBODY)


def prepare(app: Flask) -> None:
    """Give templates the chosen `theme`, the choices, and where the visitor is."""
    app.context_processor(
        lambda: {
            "theme": theme(),
            "themes": THEMES,
            "language_names": LANGUAGES,
            "this_page": _this_page,
            "role_names": ROLES,
            "action_names": ACTIONS,
        }
    )


def theme() -> str:
    """light, dark, or system where the visitor chose neither."""
    chosen = request.cookies.get(_COOKIE, "")
    return chosen if chosen in THEMES else "system"


@pages.post("/look")
def choose() -> AnyResponse:
    """Take a language or a theme and return to the page before; needs no sign-in."""
    answer: AnyResponse = redirect(safe_next_path(request.form.get("next")))
    language, wanted = request.form.get("lang"), request.form.get("theme", "")
    if language in HTML_NAMES:
        session["lang"] = language
    if wanted in THEMES:
        secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
        answer.set_cookie(_COOKIE, wanted, max_age=_YEAR, httponly=True, samesite="Lax", secure=secure)
    return answer


@pages.get("/me")
def show() -> str | AnyResponse:
    """Who I am here, what I may do, and how to leave; on a phone the only place for it."""
    return _guard() or render_template("me.html")


@pages.post("/me/sign-out-everywhere")
def leave_everywhere() -> AnyResponse:
    """End all my sessions, this one too."""
    refused = _guard()
    if refused is not None:
        return refused
    who, system = visitor(), current_system()
    if who.account_id is not None:
        with system.store.write() as database:
            end_sessions(database, database.get_one(Account, who.account_id), who.actor, clock.now())
    sessions.end()
    return redirect(url_for("signin.show", stay=1))


def _this_page() -> str:
    """The page being shown, to return to; the board where it answers a form, which cannot be fetched again."""
    if request.method != "GET":
        return url_for("board.home")
    return request.full_path.rstrip("?")
