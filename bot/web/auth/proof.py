"""Proof: has whoever is signed in show once more that it is they, before what cannot be undone or leaves the house.

What was filled in travels along: the page that asks holds it, and sends it on to where it was to go.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, flash, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from bot.agents import second_factor
from bot.agents.passwords import LONGEST, password_matches
from bot.platform import clock
from bot.platform.log import get_logger
from bot.platform.models import Account
from bot.web.auth import sessions
from bot.web.auth.access import needs
from bot.web.auth.signin import note_proof, safe_next_path
from bot.web.auth.visitor import ADMIN, AUDITOR, LEADER, ROLES, Visitor, visitor, visitor_or_none
from bot.web.layout.requests import address, current_system
from bot.wecom.errors import BotError

pages = Blueprint("proof", __name__)
pages.before_request(needs(*ROLES))
HEADS, LOOKERS = (ADMIN, AUDITOR), (ADMIN, LEADER, AUDITOR)
GUARDED: dict[str, tuple[str, ...]] = {
    "actions.erase_all": (ADMIN,),
    "admin.change_person": (ADMIN,),
    "admin.make_token": (ADMIN,),
    "admin.drop_token": (ADMIN,),
    "admin.add_webhook": (ADMIN,),
    "admin.switch_one": (ADMIN,),
    "admin.log_file": HEADS,
    "admin.views_file": HEADS,
    "reports.download": LOOKERS,
    "exports.download": (ADMIN, LEADER),
    "rules.save": (ADMIN,),
    "rules.delete": (ADMIN,),
    "rules.save_file": (ADMIN,),
    "rules.restore": (ADMIN,),
    "sops.switch": (ADMIN,),
    "second_factor.begin": ROLES,
    "second_factor.remove": ROLES,
}
"""Addresses at which a proof is asked for, by the roles that get in there: the others are refused as ever."""
_TO, _BACK, _METHOD = "confirm_to", "confirm_back", "confirm_method"
_PASSWORD, _CODE = "confirm_password", "confirm_code"
_OURS = frozenset({_TO, _BACK, _METHOD, _PASSWORD, _CODE, "csrf_token"})
WRONG = "密码或验证码不对，请再试一次。填过的内容还在。"
TOO_MANY = "试得太多了。请过 15 分钟再试，或用企业微信确认；填过的内容还在这一页上。"
PROBLEMS = (WRONG, TOO_MANY)
_log = get_logger(__name__)


class NotProvedError(BotError):
    """The password was not the one of whoever is signed in."""


def prepare(app: Flask) -> None:
    """Put the question before the guarded addresses; call it once they are registered."""
    for endpoint, roles in GUARDED.items():
        app.view_functions[endpoint] = _asking(app.view_functions[endpoint], roles)
    app.register_error_handler(NotProvedError, lambda _error: _question(WRONG, 401))


@pages.get("/confirm")
def show() -> Response:
    """The question before a file is handed out; `to` is its address."""
    return _question()


@pages.post("/confirm")
def prove() -> Response:
    """The password; then the browser sends what was filled in to where it was to go, as it was."""
    who, now = visitor(), clock.now()
    if not _is_right(who, now):
        _log.warning("confirmation refused", address=address())
        raise NotProvedError(WRONG)
    note_proof(who, "password", now)
    if request.form.get(_METHOD) == "post":
        return redirect(safe_next_path(request.form.get(_TO)), 307)
    return _page("confirmed.html", to=safe_next_path(request.form.get(_TO)))


@pages.get("/confirm/done")
def done() -> Response:
    """After WeCom has shown who it is, in a window of its own."""
    return _page("confirmed.html", to="")


@pages.errorhandler(TooManyRequests)
def too_many(_error: TooManyRequests) -> Response:
    """Too many wrong passwords: the page stays, with all that was filled in."""
    return _question(TOO_MANY, 429)


def _asking(view: Callable[..., Any], roles: tuple[str, ...]) -> Callable[..., Any]:
    @wraps(view)
    def asked(**values: Any) -> Any:
        who = visitor_or_none()
        # A board link has no account: outside of the demo it opens none of these addresses anyway.
        if who is None or who.account_id is None or who.role not in roles or sessions.is_proved(clock.now()):
            answer = view(**values)
            return _as_page(make_response(answer)) if request.form.get(_BACK) else answer
        if request.method == "GET":
            return redirect(url_for("proof.show", to=request.full_path.rstrip("?")))
        return _question(status=200 if "HX-Request" in request.headers else 403)

    return asked


def _as_page(answer: Response) -> Response:
    """What a script of the page would have been told, for a browser that came by the question."""
    told = json.loads(answer.headers.get("HX-Trigger", "{}")).get("toast", {})
    if told.get("text"):
        flash(told["text"])
    return redirect(answer.headers.get("HX-Redirect") or safe_next_path(request.form.get(_BACK)))


def _question(problem: str = "", status: int = 200) -> Response:
    """The page that asks; it holds all that was filled in."""
    here = request.endpoint in ("proof.show", "proof.prove")
    with current_system().store.read() as database:
        account = database.get_one(Account, visitor().account_id)
        ways = {"by_password": account.password is not None, "by_wecom": account.agent_id is not None}
        ways["by_code"] = second_factor.is_on(database, account.id)
    asked = request.form if here else {}
    answer = _page(
        "confirm.html",
        problem=problem,
        to=safe_next_path((asked.get(_TO) or request.args.get("to")) if here else request.full_path.rstrip("?")),
        method=("post" if asked.get(_METHOD) == "post" else "get") if here else "post",
        back=asked.get(_BACK, "") if here else _page_behind(),
        kept=[pair for pair in request.form.items(multi=True) if pair[0] not in _OURS],
        **ways,
    )
    answer.status_code = status
    if "HX-Request" in request.headers:  # a script asked for a piece of a page: the question takes the whole page
        answer.headers.update({"HX-Retarget": "body", "HX-Reswap": "innerHTML"})
    return answer


def _is_right(who: Visitor, now: datetime) -> bool:
    """Whether the password is theirs, and the code where the account asks for one."""
    with current_system().store.read() as database:
        account = database.get(Account, who.account_id)
        kept = account.password if account is not None else None
        code_too = second_factor.is_on(database, who.account_id)
    password = request.form.get(_PASSWORD, "")
    if not password_matches(kept, password) or kept is None or len(password) > LONGEST:
        return False
    if not code_too:
        return True
    with current_system().store.write() as database:
        mine = database.get_one(Account, who.account_id)
        return second_factor.code_is_right(database, mine, request.form.get(_CODE, "")[:64], now)


def _page_behind() -> str:
    """The page whose script sent this; empty where the browser itself did."""
    if "HX-Request" not in request.headers:
        return ""
    try:
        there = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:
        return url_for("board.home")
    return safe_next_path(f"{there.path}?{there.query}" if there.query else there.path)


def _page(template: str, **values: Any) -> Response:
    return make_response(render_template(template, **values))
