"""Signing in and out: by WeCom (silently inside it, by QR code elsewhere), or by a local name and password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, redirect, render_template, request, session, url_for
from sqlalchemy import delete, select
from werkzeug.wrappers import Response

from bot.agents import second_factor
from bot.agents.accounts import account_of_member
from bot.agents.passwords import LONGEST, password_matches
from bot.platform import clock
from bot.platform.database.audit_log import record
from bot.platform.database.store import insert_new
from bot.platform.log import get_logger
from bot.platform.models import Account, SpentState
from bot.web.auth import sessions
from bot.web.auth.access import as_visitor
from bot.web.auth.visitor import Visitor, visitor_or_none
from bot.web.layout.requests import address, current_system
from bot.wecom.errors import BotError, WeComError
from bot.wecom.login import LONGEST_CODE, SignInApp, authorize_url, is_in_client

pages = Blueprint("signin", __name__)
STATE_LIFE = timedelta(minutes=10)
_STATES = "signing_in"
_AT_ONCE = 4  # sign-ins under way in one browser: several tabs may begin one
_LONGEST_PATH = 500  # of the page to return to; the session cookie carries it
_log = get_logger(__name__)


@dataclass(frozen=True)
class SignInProblem:
    """Why nobody was signed in (Chinese, to be translated; {advice} is filled), and the status to say it with."""

    status: int
    text: str


WRONG_PASSWORD = SignInProblem(401, "名字或密码不对")
WRONG_CODE = SignInProblem(401, "验证码不对，或已经用过了。请输入手机上现在显示的 6 位数字。")
UNFINISHED = SignInProblem(400, "登录没有完成：它不是在这个浏览器里开始的，或者已经过了 10 分钟。请再登录一次。")
DECLINED = SignInProblem(400, "企业微信没有带回登录码，可能是中途取消了。请再登录一次。")
SPENT = SignInProblem(400, "这次登录已经用过了。请再登录一次。")
NOT_A_MEMBER = SignInProblem(403, "您的微信不是本企业的成员，不能登录。请用企业微信扫码，或联系管理员。")
DISABLED = SignInProblem(403, "您的账号已停用。如果需要使用，请联系管理员。")
REFUSED = SignInProblem(502, "企业微信拒绝了登录，需要管理员处理：{advice}")
UNREACHABLE = SignInProblem(503, "暂时联系不上企业微信，请过一会儿再试。（{advice}）")
ANOTHER = SignInProblem(403, "您用别人的账号确认了。请用现在登录的账号再确认一次，或先退出登录。")
NOT_CONNECTED = SignInProblem(404, "还没有接入企业微信，请用名字和密码登录。")
REFUSALS = (
    WRONG_PASSWORD,
    WRONG_CODE,
    UNFINISHED,
    DECLINED,
    SPENT,
    NOT_A_MEMBER,
    DISABLED,
    REFUSED,
    UNREACHABLE,
    ANOTHER,
    NOT_CONNECTED,
)
# 40029, 42022: the code is invalid or was used; 42003: it expired; 60011, 60111: no such member in our scope.
_BY_ERRCODE = {40029: SPENT, 42003: UNFINISHED, 42022: SPENT, 60011: NOT_A_MEMBER, 60111: NOT_A_MEMBER}


class NotSignedInError(BotError):
    """Nobody was signed in."""

    def __init__(self, refusal: SignInProblem, advice: str = "") -> None:
        super().__init__(refusal.text)
        self.refusal, self.advice = refusal, advice


def prepare(app: Flask) -> None:
    """Show the sign-in page with the reason wherever signing in failed."""
    app.register_error_handler(NotSignedInError, _show_refusal)


@pages.get("/sign-in")
def show() -> str | Response:
    """The ways to sign in; inside WeCom there is nothing to choose, except right after signing out."""
    found = visitor_or_none()
    onwards = safe_next_path(request.args.get("next"))
    if found is not None and found.account_id is not None:
        return redirect(onwards)
    if _in_wecom() and current_system().environment.wecom is not None and "stay" not in request.args:
        return redirect(url_for("signin.start", next=onwards))
    return _page(onwards)


@pages.post("/sign-in")
def by_password() -> Response:
    """A local account's name and password."""
    onwards, now = safe_next_path(request.form.get("next")), clock.now()
    name, password = request.form.get("name", "").strip(), request.form.get("password", "")
    with current_system().store.read() as database:
        account = None if "\0" in name else database.scalar(select(Account).where(Account.name == name))
        kept = account.password if account is not None and account.disabled_at is None else None
    # `password_matches` computes a hash for unknown names too, so that its time does not tell which names exist.
    right = password_matches(kept, password) and len(password) <= LONGEST
    if not right or account is None:
        _log.warning("sign-in refused", address=address())
        raise NotSignedInError(WRONG_PASSWORD)
    with current_system().store.read() as database:
        code_too = second_factor.is_on(database, account.id)
    if code_too:
        sessions.begin_half(account, onwards, now)
        return redirect(url_for("signin.ask_code"))
    _sign_in(account.id, "desk", "password", now)
    return redirect(onwards)


@pages.get("/sign-in/code")
def ask_code() -> str | Response:
    """After the right password, where the account asks for a code as well."""
    if sessions.half(clock.now()) is None:
        return redirect(url_for("signin.show", stay=1))
    return render_template("signin_code.html", error=None)


@pages.post("/sign-in/code")
def by_code() -> Response:
    """The code of the app, or a recovery code."""
    now = clock.now()
    begun = sessions.half(now)
    if begun is None:
        raise NotSignedInError(UNFINISHED)
    with current_system().store.write() as database:
        account = database.get_one(Account, begun.account_id)
        still = account.serial == begun.serial and account.disabled_at is None
        right = still and second_factor.code_is_right(database, account, request.form.get("code", "")[:64], now)
    if not right:
        _log.warning("sign-in refused", address=address())
        raise NotSignedInError(WRONG_CODE)
    _sign_in(begun.account_id, "desk", "password and code", now)
    return redirect(safe_next_path(begun.onwards))


@pages.get("/sign-in/wecom")
def start() -> Response:
    """Redirect to WeCom, with a state that only this browser can bring back, once."""
    system, now = current_system(), clock.now()
    access = system.environment.wecom
    if access is None:
        raise NotSignedInError(NOT_CONNECTED)
    state = secrets.token_hex(16)
    _remember(state, safe_next_path(request.args.get("next")), now)
    back = f"{system.environment.base_url}{url_for('signin.come_back')}"
    app = SignInApp(access.corp_id, access.app_id, system.environment.login_url)
    return redirect(authorize_url(app, back, state, in_client=_in_wecom()))


@pages.get("/sign-in/back")
def come_back() -> Response:
    """Back from WeCom with a code that stands for the member."""
    now = clock.now()
    onwards = _take_state(request.args.get("state", ""), now)
    code = request.args.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise NotSignedInError(DECLINED)
    userid = _userid_of(code)
    with current_system().store.write() as database:
        account = account_of_member(database, userid, now)
        account_id = account.id
    if onwards == url_for("proof.done") and (before := visitor_or_none()) is not None:
        return _prove_again(before, account_id, now)
    _sign_in(account_id, "phone" if _in_wecom() else "desk", "wecom", now)
    return redirect(onwards)


@pages.post("/sign-out")
def leave() -> Response:
    """End this browser's session."""
    if sessions.is_named():
        with current_system().store.write() as database:
            sessions.revoke(database, clock.now())
    sessions.end()
    return redirect(url_for("signin.show", stay=1))


def safe_next_path(wanted: str | None) -> str:
    """Where to go after signing in: a path of ours, never another host."""
    home = url_for("board.home")
    if not wanted or not wanted.startswith("/") or wanted.startswith(("//", "/\\")) or not wanted.isprintable():
        return home
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return home
    return home if parts.scheme or parts.netloc or "\\" in parts.path else wanted


def _remember(state: str, onwards: str, now: datetime) -> None:
    until = int((now + STATE_LIFE).timestamp())
    earlier: list[Any] = session.get(_STATES, [])
    onwards = onwards if len(onwards) <= _LONGEST_PATH else url_for("board.home")  # a cookie holds 4 KB
    session[_STATES] = [*earlier[-(_AT_ONCE - 1) :], [state, until, onwards]]


def _take_state(state: str, now: datetime) -> str:
    """Where this state was to lead; raises NotSignedInError where it is another browser's, too old, or used."""
    mine = {kept: (until, onwards) for kept, until, onwards in session.get(_STATES, [])}
    if state not in mine:
        raise NotSignedInError(UNFINISHED)
    session[_STATES] = [row for row in session[_STATES] if row[0] != state]
    until, onwards = mine[state]
    if now.timestamp() >= until:
        raise NotSignedInError(UNFINISHED)
    with current_system().store.write() as database:  # a copied cookie still holds the state, so the database decides
        database.execute(delete(SpentState).where(SpentState.spent_at < now - 2 * STATE_LIFE))
        if not insert_new(database, SpentState, [{"state": state, "spent_at": now}], ["state"]):
            raise NotSignedInError(SPENT)
    return str(onwards)


def _userid_of(code: str) -> str:
    """The userid behind a code; raises NotSignedInError for outsiders and where WeCom would not say."""
    try:
        answer = current_system().wecom.login(code)
    except WeComError as error:
        _log.warning("sign-in by WeCom failed", errcode=error.errcode)
        refusal = _BY_ERRCODE.get(error.errcode or 0) or (REFUSED if error.pause or error.permanent else UNREACHABLE)
        raise NotSignedInError(refusal, f"{error.errcode or ''} {error.remedy.advice}".strip()) from None
    userid = answer.get("userid")
    if not isinstance(userid, str) or not 0 < len(userid) <= 64:
        raise NotSignedInError(NOT_A_MEMBER)
    return userid


def _sign_in(account_id: int, kind: str, way: str, now: datetime) -> None:
    """Begin the session and record who signed in, how, and as whom this browser was signed in before."""
    before = visitor_or_none()
    with current_system().store.write() as database:
        account = database.get_one(Account, account_id)
        if account.disabled_at is not None:
            raise NotSignedInError(DISABLED)
        account.signed_in_at = now
        found = as_visitor(account)
        detail = {"way": way, "role": found.role, "address": address()}
        if before is not None and before.account_id != account_id:
            detail["before"] = f"{before.actor} ({before.role})"
        record(database, found.actor, "sign-in", f"account:{account_id}", now, **detail)
        sessions.revoke(database, now)
    sessions.begin(found, kind, now)


def _prove_again(before: Visitor, account_id: int, now: datetime) -> Response:
    """Whoever is signed in has shown once more that it is they; their session and what they were filling in stay."""
    if before.account_id != account_id:
        raise NotSignedInError(ANOTHER)
    note_proof(before, "wecom", now)
    return redirect(url_for("proof.done"))


def note_proof(who: Visitor, way: str, now: datetime) -> None:
    """Have the session know, and the log, that the visitor has shown once more that it is they."""
    with current_system().store.write() as database:
        record(database, who.actor, "sign-in.again", f"account:{who.account_id}", now, way=way, address=address())
    sessions.prove(now)


def _show_refusal(error: NotSignedInError) -> tuple[str, int]:
    if error.refusal is WRONG_CODE:
        return render_template("signin_code.html", error=error), error.refusal.status
    onwards = safe_next_path(request.form.get("next") or request.args.get("next"))
    return _page(onwards, error), error.refusal.status


def _page(onwards: str, error: NotSignedInError | None = None) -> str:
    environment = current_system().environment
    return render_template(
        "signin.html", next=onwards, error=error, wecom=environment.wecom is not None, demo=environment.demo
    )


def _in_wecom() -> bool:
    return is_in_client(request.headers.get("User-Agent", ""))
