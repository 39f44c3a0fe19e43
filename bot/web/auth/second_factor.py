"""Second factor: the page on which somebody with a password turns the code from their phone on and off."""

from __future__ import annotations

import segno
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from bot.agents import second_factor
from bot.agents.accounts import AccountError
from bot.platform import clock
from bot.platform.models import Account
from bot.web.auth.access import needs
from bot.web.auth.visitor import ROLES, visitor
from bot.web.layout.languages import translate
from bot.web.layout.requests import current_system
from bot.wecom.errors import BotError

pages = Blueprint("second_factor", __name__, url_prefix="/me/code")
pages.before_request(needs(*ROLES))
WRONG = "验证码不对。请输入手机上现在显示的 6 位数字；手机的时间要准。"


class WrongCodeError(BotError):
    """The app showed another code."""


@pages.get("")
def show() -> str:
    """Whether a code is asked for, and how to change that."""
    with current_system().store.read() as session:
        account = _mine(session)
        left = second_factor.codes_left(session, account.id)
        return render_template("second_factor.html", on=second_factor.is_on(session, account.id), left=left)


@pages.post("/begin")
def begin() -> str | Response:
    """A QR code for the app."""
    try:
        return _asking("")
    except AccountError as problem:
        flash(translate(str(problem)))
        return redirect(url_for("second_factor.show"))


@pages.post("/confirm")
def confirm() -> str:
    """The app shows a code: from now on one is asked for. Shows the recovery codes, this once."""
    with current_system().store.write() as session:
        codes = second_factor.confirm(session, _mine(session), request.form.get("code", "")[:64], clock.now())
    if codes is None:
        raise WrongCodeError(WRONG)
    return render_template("second_factor.html", on=True, left=len(codes), codes=codes)


@pages.errorhandler(WrongCodeError)
def refuse(_error: WrongCodeError) -> tuple[str, int] | Response:
    """The same QR code once more."""
    try:
        return _asking(WRONG), 422
    except AccountError:  # it was turned on in another window
        return redirect(url_for("second_factor.show"))


@pages.post("/remove")
def remove() -> Response:
    """The password alone is asked for again."""
    try:
        with current_system().store.write() as session:
            second_factor.remove(session, _mine(session), visitor().actor, clock.now())
        flash(translate("已关闭。登录时只要密码"))
    except AccountError as problem:
        flash(translate(str(problem)))
    return redirect(url_for("second_factor.show"))


def _asking(problem: str) -> str:
    with current_system().store.write() as session:
        address = second_factor.begin(session, _mine(session))
    drawn = segno.make(address, error="m").svg_inline(scale=5, border=2, dark="#000", light="#fff")
    secret = address.partition("secret=")[2].partition("&")[0]
    picture = Markup(drawn)  # noqa: S704 - drawn by the library, of characters that stand for pixels
    return render_template("second_factor.html", on=False, left=0, picture=picture, secret=secret, problem=problem)


def _mine(session: Session) -> Account:
    """The visitor's account; 404 for those who sign in with WeCom, which has guards of its own."""
    account = session.get(Account, visitor().account_id) if visitor().account_id is not None else None
    if account is None or account.password is None:
        abort(404)
    return account
