"""Access tokens, JS tickets and the addresses callbacks come from."""

from __future__ import annotations

import hashlib
import secrets
import time

from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox

BAN_SECONDS = 3600
TICKET_SECONDS = 7200


@endpoint("gettoken", "GET", by=(), empty={"access_token": "", "expires_in": 0})
def get_token(sandbox: Sandbox, call: Call) -> Answer:
    """The same token while it is valid; too many wrong secrets ban the source for an hour."""
    wrong = [at for at in sandbox.ledger.setting("wrong_secrets_at", []) if at > call.now - BAN_SECONDS]
    if len(wrong) >= sandbox.switch("ban_after"):
        raise RefusalError(45009, "too many wrong secrets, try again in an hour")
    if call.query.get("corpid") != sandbox.corp.corp_id:
        raise RefusalError(40013)
    secret = call.query.get("corpsecret")
    if not secret:
        raise RefusalError(41004)
    kind = sandbox.corp.secret_kinds().get(secret)
    if kind is None:
        sandbox.ledger.set_setting("wrong_secrets_at", [*wrong, call.now])
        raise RefusalError(40001)
    return living_token(sandbox, kind, call.now)


def living_token(sandbox: Sandbox, kind: str, now: float) -> Json:
    with sandbox.ledger.transaction():
        row = sandbox.ledger.one(
            "SELECT token, expires_at FROM tokens WHERE kind = ? AND NOT dead AND expires_at > ?", kind, now
        )
        if row:
            return {"access_token": row["token"], "expires_in": max(1, int(row["expires_at"] - now))}
        seconds = sandbox.switch("token_seconds")
        token = secrets.token_urlsafe(160)
        sandbox.ledger.run(
            "INSERT INTO tokens (token, kind, expires_at) VALUES (?, ?, ?)", token, kind, now + seconds
        )
    return {"access_token": token, "expires_in": seconds}


def check_token(sandbox: Sandbox, call: Call) -> str:
    """The kind of secret of this token: app, archive or contacts. Only the query string counts."""
    token = call.query.get("access_token")
    if not token:
        raise RefusalError(41001)
    row = sandbox.ledger.one("SELECT * FROM tokens WHERE token = ?", token)
    if row is None or row["dead"]:
        raise RefusalError(40014)
    if row["expires_at"] <= call.now:
        raise RefusalError(42001)
    return str(row["kind"])


def kill_tokens(sandbox: Sandbox, kind: str | None = None) -> int:
    """Invalidate tokens before they expire, as WeCom may; returns how many."""
    if kind is None:
        return sandbox.ledger.run("UPDATE tokens SET dead = 1 WHERE NOT dead")
    return sandbox.ledger.run("UPDATE tokens SET dead = 1 WHERE NOT dead AND kind = ?", kind)


def ticket(sandbox: Sandbox, name: str, now: float) -> Json:
    """A ticket of the current two hours; the same one until they are over."""
    period = int(now // TICKET_SECONDS)
    mark = f"{name}:{sandbox.corp.app_secret}:{period}"
    return {
        "ticket": hashlib.sha256(mark.encode()).hexdigest(),
        "expires_in": int((period + 1) * TICKET_SECONDS - now),
    }


def tickets_in_force(sandbox: Sandbox, name: str) -> list[str]:
    """The ticket of the moment, and those of the hours that a moved clock has jumped over.

    A ticket lasts for two hours that really pass: whoever fetched one before the clock was moved still has it.
    """
    now = sandbox.now()
    really = min(now, time.time())
    periods = range(int(now // TICKET_SECONDS), int(really // TICKET_SECONDS) - 1, -1)
    return [ticket(sandbox, name, period * TICKET_SECONDS)["ticket"] for period in periods]


@endpoint("get_jsapi_ticket", "GET", empty={"ticket": "", "expires_in": 0}, limit=(400, 3600))
def get_jsapi_ticket(sandbox: Sandbox, call: Call) -> Answer:
    return ticket(sandbox, "corp", call.now)


@endpoint("ticket/get", "GET", empty={"ticket": "", "expires_in": 0}, limit=(100, 3600))
def get_agent_ticket(sandbox: Sandbox, call: Call) -> Answer:
    if call.query.get("type") != "agent_config":
        raise RefusalError(40035, "type")
    return ticket(sandbox, "agent", call.now)


@endpoint("getcallbackip", "GET", by=("app", "archive", "contacts"), empty={"ip_list": []})
def get_callback_ip(_sandbox: Sandbox, _call: Call) -> Answer:
    return {"ip_list": ["127.0.0.1", "127.0.0.*"]}


@endpoint("get_api_domain_ip", "GET", by=("app", "archive", "contacts"), empty={"ip_list": []})
def get_api_domain_ip(_sandbox: Sandbox, _call: Call) -> Answer:
    return {"ip_list": ["127.0.0.1"]}
