"""App messages: sending to members, updating cards, recalling."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from bot.sandbox.api.cards import INTERACTIVE, check_card
from bot.sandbox.api.directory import member, members_of
from bot.sandbox.api.message_kinds import KINDS
from bot.sandbox.corp import APP_ID
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox

MOST_USERS = 1000
MOST_OTHERS = 100
PER_MEMBER = ((30, 60), (1000, 3600))
RESPONSE_CODE_SECONDS = 72 * 3600
RECALL_SECONDS = 24 * 3600
BEIJING = 8 * 3600  # seconds ahead of UTC; WeCom's days begin at midnight there


def check_agentid(body: Json) -> None:
    agentid = body.get("agentid")
    if isinstance(agentid, bool) or not isinstance(agentid, int):
        raise RefusalError(40056, "agentid must be an integer")
    if agentid != APP_ID:
        raise RefusalError(301002)


@endpoint("message/send", empty={"invaliduser": "", "invalidparty": "", "invalidtag": "", "unlicenseduser": ""})
def send(sandbox: Sandbox, call: Call) -> Answer:
    body = call.body
    check_agentid(body)
    receivers, reply = choose_receivers(sandbox, body)
    fingerprint = hashlib.sha256(call.raw).hexdigest()
    with sandbox.ledger.transaction():
        if body.get("enable_duplicate_check") == 1:
            before = find_duplicate(sandbox, body, fingerprint, call.now)
            if before is not None:
                sandbox.note("message_duplicate", msgid=before["msgid"])
                return {**reply, **known(before)}
        kind = body.get("msgtype")
        if kind not in KINDS:
            raise RefusalError(40008)
        content = body.get(kind)
        if not isinstance(content, dict):
            raise RefusalError(44004, str(kind))
        message = AppMessage(kind, KINDS[kind](sandbox, content), fingerprint)
        return {**reply, **deliver(sandbox, receivers, message, call.now)}


def find_duplicate(sandbox: Sandbox, body: Json, fingerprint: str, now: float) -> sqlite3.Row | None:
    """A byte-identical request of the last `duplicate_check_interval` seconds."""
    interval = body.get("duplicate_check_interval", 1800)
    if isinstance(interval, bool) or not isinstance(interval, int) or not 0 < interval <= 14_400:
        raise RefusalError(40058, "duplicate_check_interval")
    return sandbox.ledger.one(
        "SELECT msgid, response_code FROM app_messages WHERE fingerprint = ? AND created_at > ?",
        fingerprint,
        now - interval,
    )


def known(row: sqlite3.Row) -> Json:
    reply: Json = {"msgid": row["msgid"]}
    return reply | {"response_code": row["response_code"]} if row["response_code"] else reply


def choose_receivers(sandbox: Sandbox, body: Json) -> tuple[list[str], Json]:
    """The userids that receive it, and the reply's lists of those that do not (in lower case, joined by |)."""
    users = split(body, "touser", MOST_USERS)
    parties, labels = split(body, "toparty", MOST_OTHERS), split(body, "totag", MOST_OTHERS)
    chosen: dict[str, None] = {}
    invalid_users, unlicensed = [], []
    everyone = users == ["@all"]
    rows = members_of(sandbox, 1) if everyone else [member(sandbox, user) for user in users]
    for name, row in zip([r["userid"] for r in rows if r] if everyone else users, rows, strict=True):
        if row is None or not row["active"] or not row["visible"]:
            invalid_users.append(name.lower())
        elif not row["licensed"]:
            unlicensed.append(name.lower())
        else:
            chosen[row["userid"]] = None
    known_parties = {str(row["id"]) for row in sandbox.ledger.rows("SELECT id FROM departments")}
    for party in parties:
        for row in members_of(sandbox, int(party)) if party in known_parties else []:
            chosen[row["userid"]] = None
    reply = {
        "invaliduser": "|".join(invalid_users),
        "invalidparty": "|".join(party for party in parties if party not in known_parties),
        "invalidtag": "|".join(labels),
        "unlicenseduser": "|".join(unlicensed),
    }
    if not chosen and not unlicensed:
        raise RefusalError(81013, **reply)
    return list(chosen), reply


def split(body: Json, name: str, most: int) -> list[str]:
    value = body.get(name) or ""
    if not isinstance(value, str):
        raise RefusalError(40058, f"{name} must be a string")
    found = [item for item in value.split("|") if item]
    if len(found) > most:
        raise RefusalError(40058, f"{name} holds more than {most}")
    return found


@dataclass(frozen=True)
class AppMessage:
    """A checked message. fingerprint: hash of its request, by which a duplicate is recognised."""

    kind: str
    content: Json
    fingerprint: str


def deliver(sandbox: Sandbox, receivers: list[str], message: AppMessage, now: float) -> Json:
    """Put the message into each receiver's app chat, unless they are over the limit: WeCom drops it silently."""
    msgid, kind, content = secrets.token_urlsafe(32), message.kind, message.content
    interactive = kind == "template_card" and content["card_type"] in INTERACTIVE
    response_code = new_response_code(sandbox, msgid, "", now) if interactive else None
    sandbox.ledger.run(
        "INSERT INTO app_messages (msgid, msgtype, body, fingerprint, task_id, response_code, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        msgid,
        kind,
        json.dumps(content),
        message.fingerprint,
        content.get("task_id"),
        response_code,
        now,
    )
    for userid in receivers:
        dropped = over_limit(sandbox, userid, now)
        if not dropped:
            sandbox.ledger.run(
                "INSERT INTO inbox (msgid, userid, msgtype, body, created_at) VALUES (?, ?, ?, ?, ?)",
                msgid,
                userid,
                kind,
                json.dumps(content),
                now,
            )
        sandbox.note(
            "message_dropped" if dropped else "message", msgid=msgid, userid=userid, msgtype=kind, **{kind: content}
        )
    return {"msgid": msgid, **({"response_code": response_code} if response_code else {})}


def over_limit(sandbox: Sandbox, userid: str, now: float) -> bool:
    if not sandbox.switch("limits"):
        return False
    # up to now: after the clock was set back, later messages must not count
    count = "SELECT count(*) FROM inbox WHERE NOT mine AND userid = ? AND created_at > ? AND created_at <= ?"
    if any(sandbox.ledger.scalar(count, userid, now - seconds, now) >= most for most, seconds in PER_MEMBER):
        return True
    today = "SELECT count(*) FROM (SELECT 1 FROM inbox WHERE NOT mine AND created_at >= ? LIMIT ?)"
    most, midnight = sandbox.switch("person_times"), now - (now + BEIJING) % 86_400
    return bool(sandbox.ledger.scalar(today, midnight, most) >= most)


def new_response_code(sandbox: Sandbox, msgid: str, clicker: str, now: float) -> str:
    """One use, 72 h; `clicker` is empty for the code that message/send gives."""
    code = secrets.token_urlsafe(32)
    sandbox.ledger.run(
        "INSERT INTO response_codes (code, msgid, clicker, issued_at) VALUES (?, ?, ?, ?)", code, msgid, clicker, now
    )
    return code


@endpoint("message/update_template_card", empty={"invaliduser": []})
def update_template_card(sandbox: Sandbox, call: Call) -> Answer:
    body = call.body
    check_agentid(body)
    button, card = body.get("button"), body.get("template_card")
    if (button is None) == (card is None):
        raise RefusalError(40058, "either button or template_card")
    if card is not None:
        check_card(card, fresh=False)
    elif not isinstance(button, dict) or not button.get("replace_name"):
        raise RefusalError(40058, "button.replace_name")
    with sandbox.ledger.transaction():
        msgid = use_response_code(sandbox, call.text("response_code", 42051), call.now)
        receivers, invalid = update_receivers(sandbox, call, msgid)
        for userid in receivers:
            change_card(sandbox, msgid, userid, button, card)
        sandbox.note("card_update", msgid=msgid, userids=receivers, button=button, template_card=card)
    return {"invaliduser": invalid}


def use_response_code(sandbox: Sandbox, code: str, now: float) -> str:
    row = sandbox.ledger.one("SELECT * FROM response_codes WHERE code = ?", code)
    if row is None or row["used_at"] is not None or now > row["issued_at"] + RESPONSE_CODE_SECONDS:
        raise RefusalError(42051, "unknown, used or older than 72 h")
    sandbox.ledger.run("UPDATE response_codes SET used_at = ? WHERE code = ?", now, code)
    return str(row["msgid"])


def update_receivers(sandbox: Sandbox, call: Call, msgid: str) -> tuple[list[str], list[str]]:
    """Who of those named holds this card, and who does not."""
    holders = [row["userid"] for row in sandbox.ledger.rows("SELECT userid FROM inbox WHERE msgid = ?", msgid)]
    if call.body.get("atall") == 1:
        return holders, []
    named = call.texts("userids", MOST_USERS)
    if not named and not call.body.get("partyids") and not call.body.get("tagids"):
        raise RefusalError(40063, "userids")
    by_fold = {userid.casefold(): userid for userid in holders}
    receivers = [by_fold[name.casefold()] for name in named if name.casefold() in by_fold]
    return receivers, [name.lower() for name in named if name.casefold() not in by_fold]


def change_card(sandbox: Sandbox, msgid: str, userid: str, button: Json | None, card: Any) -> None:
    replaced = button["replace_name"] if button else card.get("replace_text", "")
    sandbox.ledger.run(
        "UPDATE inbox SET body = coalesce(?, body), replaced = ? WHERE msgid = ? AND userid = ?",
        None if card is None else json.dumps(card),
        str(replaced),
        msgid,
        userid,
    )


@endpoint("message/recall")
def recall(sandbox: Sandbox, call: Call) -> Answer:
    msgid = call.text("msgid", 41047)
    row = sandbox.ledger.one("SELECT created_at FROM app_messages WHERE msgid = ?", msgid)
    if row is None:
        raise RefusalError(40058, "msgid of this app")
    if call.now > row["created_at"] + RECALL_SECONDS:
        raise RefusalError(42052)
    with sandbox.ledger.transaction():
        sandbox.ledger.run("UPDATE app_messages SET recalled_at = ? WHERE msgid = ?", call.now, msgid)
        sandbox.ledger.run("UPDATE inbox SET recalled = 1 WHERE msgid = ?", msgid)
        sandbox.note("recall", msgid=msgid)
    return {}
