"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_login import login_user, logout_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from bot import clock
from bot.models import Account
from bot.system import System
from bot.web.access import as_visitor

pages = Blueprint("signin", __name__)
_hasher = PasswordHasher()


@pages.get("/sign-in")
def show() -> str:
    """The ways to sign in."""
    return render_template("signin.html", next=own_path(request.args.get("next")), wrong=False)


@pages.post("/sign-in")
def by_password() -> Response | tuple[str, int]:
    """A local account's name and password."""
    system: System = current_app.extensions["tici"]
    onwards = own_path(request.form.get("next"))
    with system.store.write() as database:
        account = database.scalar(select(Account).where(Account.name == request.form.get("name", "")))
        if account is None or account.disabled_at is not None or not _fits(account, request.form.get("password", "")):
            return render_template("signin.html", next=onwards, wrong=True), 401
        account.signed_in_at = clock.now()
        found = as_visitor(account)
    session.clear()
    login_user(found)
    return redirect(onwards)


@pages.post("/sign-out")
def leave() -> Response:
    """End this browser's session."""
    logout_user()
    session.clear()
    return redirect(url_for("signin.show"))


def own_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of ours, never another host."""
    home = url_for("board.home")
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")):
        return home
    parts = urlsplit(wanted)
    return home if parts.scheme or parts.netloc else wanted


def _fits(account: Account, password: str) -> bool:
    try:
        return _hasher.verify(account.password or "", password)
    except Argon2Error:
        return False
