"""Sign-in pages as WeCom's own hosts serve them: in-client OAuth and the QR code page."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from bot.sandbox.api.directory import member
from bot.sandbox.api.login import new_code
from bot.sandbox.corp import APP_ID
from bot.sandbox.guard import NAMES
from bot.sandbox.state import Sandbox

login_pages = Blueprint("login_pages", __name__)
COOKIE = "sandbox_agent"
LONGEST_STATE = 128


def return_address(sandbox: Sandbox) -> str:
    """The redirect_uri if its host is trusted (else 50001) and the request is for our corp and app."""
    uri = request.args.get("redirect_uri", "")
    parts = urlsplit(uri)
    trusted = NAMES | {urlsplit(url).hostname for url in (sandbox.callback_url, sandbox.board_url) if url}
    if parts.scheme not in ("http", "https") or parts.hostname not in trusted:
        abort(Response("50001 redirect_uri 与配置的授权完成回调域名不一致", status=200, content_type="text/plain"))
    if request.args.get("appid") != sandbox.corp.corp_id:
        abort(Response("40013 appid 不对", status=200, content_type="text/plain"))
    if request.args.get("agentid", str(APP_ID)) != str(APP_ID):
        abort(Response("40056 agentid 不对", status=200, content_type="text/plain"))
    if len(request.args.get("state", "")) > LONGEST_STATE:
        abort(Response("40035 state 太长", status=200, content_type="text/plain"))
    return uri


def with_code(uri: str, code: str, state: str) -> str:
    parts = urlsplit(uri)
    query = [*parse_qsl(parts.query, keep_blank_values=True), ("code", code), ("state", state)]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def go_back(sandbox: Sandbox, userid: str) -> AnyResponse:
    uri = return_address(sandbox)
    code = new_code(sandbox, userid, request.args.get("scope", "snsapi_base"))
    return redirect(with_code(uri, code, request.args.get("state", "")))


@login_pages.get("/connect/oauth2/authorize")
def authorize() -> AnyResponse | str:
    """Redirect at once where the playground knows whose phone this is; else show the choice of agents."""
    sandbox: Sandbox = current_app.extensions["sandbox"]
    chosen = request.args.get("sandbox_agent") or request.cookies.get(COOKIE, "")
    row = member(sandbox, chosen)
    return go_back(sandbox, row["userid"]) if row else chooser(sandbox)


@login_pages.get("/wwlogin/sso/login")
@login_pages.get("/wwopen/sso/qrConnect")
def scan() -> AnyResponse | str:
    """The QR page: choosing an agent stands for scanning with their phone."""
    sandbox: Sandbox = current_app.extensions["sandbox"]
    row = member(sandbox, request.args.get("sandbox_agent", ""))
    return go_back(sandbox, row["userid"]) if row else chooser(sandbox)


def chooser(sandbox: Sandbox) -> str:
    uri = return_address(sandbox)
    rows = sandbox.ledger.rows("SELECT userid, name, position FROM members WHERE active ORDER BY rowid LIMIT 50")
    asked = request.args.to_dict()
    members = [{**dict(row), "href": f"?{urlencode({**asked, 'sandbox_agent': row['userid']})}"} for row in rows]
    return render_template("login.html", members=members, host=urlsplit(uri).netloc)
