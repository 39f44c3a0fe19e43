"""Contact ways (联系我): QR codes by which customers add agents, each with its state."""

from __future__ import annotations

import json
import secrets

from bot.sandbox.api.directory import need_member
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Sandbox


@endpoint("externalcontact/add_contact_way", empty={"config_id": "", "qr_code": ""})
def add_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    call.number("type", 0, 1, 2)
    call.number("scene", 0, 1, 2)
    if len(str(call.body.get("state", ""))) > 30 or len(str(call.body.get("remark", ""))) > 30:
        raise RefusalError(45002)
    for userid in call.texts("user", 100):
        need_member(sandbox, userid)
    config_id = secrets.token_hex(16)
    sandbox.ledger.run("INSERT INTO contact_ways VALUES (?, ?)", config_id, json.dumps(call.body))
    return {"config_id": config_id, "qr_code": f"https://wework.qpic.cn/wwpic/{config_id}/0"}


@endpoint("externalcontact/get_contact_way", empty={"contact_way": {}})
def get_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    config_id = call.text("config_id")
    body = sandbox.ledger.scalar("SELECT body FROM contact_ways WHERE config_id = ?", config_id)
    if body is None:
        raise RefusalError(40058, "config_id")
    qr_code = f"https://wework.qpic.cn/wwpic/{config_id}/0"
    return {"contact_way": {"config_id": config_id, "qr_code": qr_code, **json.loads(body)}}


@endpoint("externalcontact/update_contact_way")
def update_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    config_id = call.text("config_id")
    body = sandbox.ledger.scalar("SELECT body FROM contact_ways WHERE config_id = ?", config_id)
    if body is None:
        raise RefusalError(40058, "config_id")
    merged = json.dumps({**json.loads(body), **call.body})
    sandbox.ledger.run("UPDATE contact_ways SET body = ? WHERE config_id = ?", merged, config_id)
    return {}


@endpoint("externalcontact/del_contact_way")
def del_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    if not sandbox.ledger.run("DELETE FROM contact_ways WHERE config_id = ?", call.text("config_id")):
        raise RefusalError(40058, "config_id")
    return {}
