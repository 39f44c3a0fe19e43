"""What customers and agents do on their phones, and the callbacks and archive rows that follow from it."""

from __future__ import annotations

import secrets
import sqlite3

from bot.sandbox.api.directory import member
from bot.sandbox.api.tags import mark
from bot.sandbox.archive import Said, append, make_msgid
from bot.sandbox.bodies import make_body
from bot.sandbox.callbacks import Fields, raise_event
from bot.sandbox.company import befriend, is_outsider, meet, name_of, new_customer_id
from bot.sandbox.state import Json, Sandbox

CONTACT = "change_external_contact"


class ImpossibleError(Exception):
    """Nobody could do that on a phone; the text says why."""


def need_agent(sandbox: Sandbox, userid: str) -> sqlite3.Row:
    row = member(sandbox, userid)
    if row is None:
        raise ImpossibleError(f"没有这位成员：{userid}")
    return row


def pair(sandbox: Sandbox, userid: str, external_userid: str) -> sqlite3.Row:
    row = sandbox.ledger.one(
        "SELECT * FROM follows WHERE userid = ? AND external_userid = ?", userid, external_userid
    )
    if row is None:
        raise ImpossibleError(f"{name_of(sandbox, external_userid)} 不是 {name_of(sandbox, userid)} 的客户")
    return row


def contact_event(sandbox: Sandbox, change: str, userid: str, external_userid: str, extra: Fields) -> None:
    head: Fields = [("ChangeType", change), ("UserID", userid), ("ExternalUserID", external_userid)]
    raise_event(sandbox, CONTACT, head + extra)


def add_customer(sandbox: Sandbox, given: Json) -> Json:
    """A customer adds an agent.

    Given: userid, name or external_userid; and any of gender, type, state, add_way, half, welcome.
    """
    agent = need_agent(sandbox, str(given.get("userid", "")))
    kind = 2 if given.get("type") == 2 else 1
    external_userid = str(given.get("external_userid") or new_customer_id(kind))
    state, half = str(given.get("state", "")), bool(given.get("half"))
    with sandbox.ledger.transaction():
        name = str(given.get("name") or "").strip()[:32] or "微信用户"
        meet(sandbox, external_userid, name, kind, int(given.get("gender", 0)), str(given.get("corp_name", "")))
        if not befriend(sandbox, agent["userid"], external_userid, state, int(given.get("add_way", 1))):
            raise ImpossibleError(f"{name_of(sandbox, external_userid)} 已经是 {agent['name']} 的客户")
        extra: Fields = [("State", state)] if state else []
        code = ""
        if kind == 1 and given.get("welcome", True) and sandbox.switch("welcome_codes"):
            code = welcome_code(sandbox, agent["userid"], external_userid)
            extra.append(("WelcomeCode", code))
        sandbox.note(
            "customer_added", userid=agent["userid"], external_userid=external_userid, name=name, state=state
        )
        change = "add_half_external_contact" if half else "add_external_contact"
        contact_event(sandbox, change, agent["userid"], external_userid, extra)
    return {"external_userid": external_userid, "userid": agent["userid"], "welcome_code": code}


def welcome_code(sandbox: Sandbox, userid: str, external_userid: str) -> str:
    code = secrets.token_urlsafe(32)
    sandbox.ledger.run(
        "INSERT INTO welcomes (code, userid, external_userid, issued_at) VALUES (?, ?, ?, ?)",
        code,
        userid,
        external_userid,
        sandbox.now(),
    )
    return code


def say(sandbox: Sandbox, given: Json) -> Json:
    """One says something to the other. Given: from, to, msgtype (text), content or the body's fields."""
    sender, receiver = str(given.get("from", "")), str(given.get("to", ""))
    inbound = is_outsider(sandbox, sender)
    userid, customer = (receiver, sender) if inbound else (sender, receiver)
    agent = need_agent(sandbox, userid)
    external = is_outsider(sandbox, customer)
    archived = bool(agent["archived"])
    if external:
        follow = pair(sandbox, userid, customer)
        if follow["blocked"]:
            raise ImpossibleError("消息已发出，但被对方拒收了：对方还不是好友")
        archived = archived and follow["agree"] != "Disagree"
    elif member(sandbox, customer) is None:
        raise ImpossibleError(f"没有这个人：{customer}")
    kind = str(given.get("msgtype") or "text")
    body = make_body(sandbox, kind, dict(given.get("body") or {"content": given.get("content", "")}))
    if kind == "text" and not body["content"].strip():
        raise ImpossibleError("不能发送空白消息")
    if inbound:
        receiver = agent["userid"]
    else:
        sender = agent["userid"]
    message = envelope(sandbox, sender, [receiver], kind, body, external)
    sandbox.ledger.run(
        "UPDATE follows SET talked_at = ? WHERE userid = ? AND external_userid = ?",
        int(sandbox.now() * 1000),
        userid,
        customer,
    )
    return put(sandbox, message, archived)


def envelope(
    sandbox: Sandbox, sender: str, tolist: list[str], kind: str, body: Json, external: bool, roomid: str = ""
) -> Json:
    now = sandbox.now()
    return {
        "msgid": make_msgid(now, external),
        "action": "send",
        "from": sender,
        "tolist": tolist,
        "roomid": roomid,
        "msgtime": int(now * 1000),
        "msgtype": kind,
        kind: body,
    }


def put(sandbox: Sandbox, message: Json, archived: bool = True) -> Json:
    """Into the talk and the archive, with an effect; {msgid, seq}."""
    seq = append(sandbox, [Said(message, archived)])[0]
    kind = message["msgtype"]
    sandbox.note(
        "said",
        msgid=message["msgid"],
        seq=seq,
        sender=message["from"],
        to=message["tolist"][0],
        roomid=message["roomid"],
        msgtype=kind,
        text=message[kind].get("content", "") if kind == "text" else "",
    )
    return {"msgid": message["msgid"], "seq": seq}


def revoke(sandbox: Sandbox, given: Json) -> Json:
    row = sandbox.ledger.one("SELECT * FROM talk WHERE msgid = ?", str(given.get("msgid", "")))
    if row is None:
        raise ImpossibleError("没有这条消息")
    message = envelope(
        sandbox,
        row["sender"],
        [row["receiver"]],
        "revoke",
        {"pre_msgid": row["msgid"]},
        external=row["msgid"].endswith("_external"),
        roomid=row["roomid"],
    )
    return put(sandbox, message | {"action": "recall"}, archived=row["seq"] is not None)


def consent(sandbox: Sandbox, given: Json) -> Json:
    """The customer agrees to archiving, or (agree: false) does not; agreeing earns a second welcome."""
    userid, external_userid = str(given.get("userid", "")), str(given.get("external_userid", ""))
    pair(sandbox, userid, external_userid)
    agrees, now = bool(given.get("agree", True)), sandbox.now()
    kind = "agree" if agrees else "disagree"
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "UPDATE follows SET agree = ?, agree_at = ? WHERE userid = ? AND external_userid = ?",
            kind.capitalize(),
            int(now),
            userid,
            external_userid,
        )
        body = {"userid": external_userid, f"{kind}_time": int(now * 1000)}
        result = put(sandbox, envelope(sandbox, external_userid, [userid], kind, body, external=True))
        if agrees:
            code = welcome_code(sandbox, userid, external_userid)
            contact_event(sandbox, "msg_audit_approved", userid, external_userid, [("WelcomeCode", code)])
    return result


def edit_customer(sandbox: Sandbox, given: Json) -> Json:
    """The agent edits remark, description or tags on the phone. Tags by name: add_tag, remove_tag, personal_tag."""
    userid, external_userid = str(given.get("userid", "")), str(given.get("external_userid", ""))
    follow = pair(sandbox, userid, external_userid)
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "UPDATE follows SET remark = ?, description = ? WHERE userid = ? AND external_userid = ?",
            str(given.get("remark", follow["remark"]))[:20],
            str(given.get("description", follow["description"]))[:150],
            userid,
            external_userid,
        )
        added, removed = tag_ids(sandbox, given.get("add_tag")), tag_ids(sandbox, given.get("remove_tag"))
        for name in given.get("personal_tag") or []:
            sandbox.ledger.run(
                "INSERT OR IGNORE INTO personal_tags VALUES (?, ?, ?)", userid, external_userid, str(name)
            )
        mark(sandbox, userid, external_userid, added, removed, by="phone")
        extra: Fields = [("State", follow["state"])] if follow["state"] else []
        contact_event(sandbox, "edit_external_contact", userid, external_userid, extra)
    return {"added": added, "removed": removed}


def tag_ids(sandbox: Sandbox, names: object) -> list[str]:
    found = []
    for name in names if isinstance(names, list) else []:
        tag_id = sandbox.ledger.scalar("SELECT tag_id FROM tags WHERE name = ? OR tag_id = ?", str(name), str(name))
        if tag_id is None:
            raise ImpossibleError(f"标签库里没有「{name}」")
        found.append(tag_id)
    return found


def part(sandbox: Sandbox, given: Json) -> Json:
    """One deletes the other: by = agent (del_external_contact) or customer (del_follow_user)."""
    userid, external_userid = str(given.get("userid", "")), str(given.get("external_userid", ""))
    follow = pair(sandbox, userid, external_userid)
    with sandbox.ledger.transaction():
        if given.get("by", "agent") == "customer":
            sandbox.ledger.run("UPDATE follows SET blocked = 1 WHERE rowid = (SELECT rowid FROM follows"
                               " WHERE userid = ? AND external_userid = ?)", userid, external_userid)  # fmt: skip
            change = "del_follow_user"
        else:
            for table in ("follows", "marks", "personal_tags"):
                sandbox.ledger.run(
                    f"DELETE FROM {table} WHERE userid = ? AND external_userid = ?",  # noqa: S608 - our names
                    userid,
                    external_userid,
                )
            change = "del_external_contact"
        sandbox.note("customer_parted", change=change, userid=userid, external_userid=external_userid)
        contact_event(sandbox, change, follow["userid"], external_userid, [])
    return {"change": change}
