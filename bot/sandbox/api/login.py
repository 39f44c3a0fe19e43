"""Identity of a visitor: by the codes of the OAuth and QR pages, and details by ticket."""

from __future__ import annotations

import secrets

from bot.sandbox.api.directory import need_member
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox

CODE_SECONDS = 300
TICKET_SECONDS = 1800


def new_code(sandbox: Sandbox, who: str, scope: str) -> str:
    """A code for a member's userid or a customer's external_userid: 5 minutes, one use."""
    code = secrets.token_urlsafe(32)
    sandbox.ledger.run(
        "INSERT INTO oauth_codes (code, who, scope, issued_at) VALUES (?, ?, ?, ?)", code, who, scope, sandbox.now()
    )
    return code


@endpoint("auth/getuserinfo", "GET")
def get_user_info(sandbox: Sandbox, call: Call) -> Answer:
    with sandbox.ledger.transaction():
        row = sandbox.ledger.one("SELECT * FROM oauth_codes WHERE code = ?", call.query.get("code", ""))
        if row is None:
            raise RefusalError(40029)
        if row["used_at"] is not None:
            raise RefusalError(42022)
        if call.now > row["issued_at"] + CODE_SECONDS:
            raise RefusalError(42003)
        sandbox.ledger.run("UPDATE oauth_codes SET used_at = ? WHERE code = ?", call.now, row["code"])
    sandbox.note("login", who=row["who"], scope=row["scope"])
    if row["who"].startswith(("wm", "wo")):
        return {"openid": f"o{row['who'][2:30]}", "external_userid": row["who"]}
    reply: Json = {"userid": row["who"]}
    if row["scope"] == "snsapi_privateinfo":
        reply["user_ticket"] = secrets.token_urlsafe(64)
        sandbox.ledger.run("INSERT INTO user_tickets VALUES (?, ?, ?)", reply["user_ticket"], row["who"], call.now)
    return reply


@endpoint("auth/getuserdetail")
def get_user_detail(sandbox: Sandbox, call: Call) -> Answer:
    row = sandbox.ledger.one("SELECT * FROM user_tickets WHERE ticket = ?", call.text("user_ticket", 84015))
    if row is None:
        raise RefusalError(84015)
    if call.now > row["issued_at"] + TICKET_SECONDS:
        raise RefusalError(84014)
    member = need_member(sandbox, row["userid"])
    return {
        "userid": member["userid"],
        "gender": str(member["gender"]),
        "avatar": "https://wework.qpic.cn/sandbox/0",
        "qr_code": "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sandbox",
        "mobile": "13800000000",
        "email": f"{member['userid'].lower()}@edu.example",
        "biz_mail": f"{member['userid'].lower()}@edu.example",
        "address": "",
    }
