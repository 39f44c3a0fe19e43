"""Actions of customers and agents on their phones, with the callbacks and archive rows that result."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

from bot.sandbox.api.directory import member
from bot.sandbox.api.tags import change_tags
from bot.sandbox.archive import NewMessage, append, make_msgid
from bot.sandbox.bodies import make_body
from bot.sandbox.callbacks import Fields, raise_event
from bot.sandbox.company import NewCustomer, Origin, add_follow, add_person, is_outsider, name_of, new_customer_id
from bot.sandbox.state import Json, Sandbox

CONTACT = "change_external_contact"


class ImpossibleError(Exception):
    """The action is impossible on a phone; the text says why."""


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
    """Have a customer add an agent.

    Given: userid, name or external_userid; and any of gender, type, state, add_way, half, welcome.
    """
    agent = need_agent(sandbox, str(given.get("userid", "")))
    kind = 2 if given.get("type") == 2 else 1
    external_userid = str(given.get("external_userid") or new_customer_id(kind))
    state, half = str(given.get("state", "")), bool(given.get("half"))
    with sandbox.ledger.transaction():
        name = str(given.get("name") or "").strip()[:32] or "微信用户"
        gender, corp_name = int(given.get("gender", 0)), str(given.get("corp_name", ""))
        add_person(sandbox, NewCustomer(external_userid, name, kind, gender, corp_name))
        origin = Origin(state, int(given.get("add_way", 1)))
        if not add_follow(sandbox, agent["userid"], external_userid, origin):
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
    """Send a message to the other side. Given: from, to, msgtype (text), content or the body's fields."""
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
    message = envelope(sandbox, Route(sender, [receiver], external), kind, body)
    sandbox.ledger.run(
        "UPDATE follows SET talked_at = ? WHERE userid = ? AND external_userid = ?",
        int(sandbox.now() * 1000),
        userid,
        customer,
    )
    return post_message(sandbox, message, archived)


@dataclass(frozen=True)
class Route:
    """From whom to whom a message goes. external: whether a customer takes part; roomid: of a group."""

    sender: str
    receivers: list[str]
    external: bool
    roomid: str = ""


def envelope(sandbox: Sandbox, route: Route, kind: str, body: Json) -> Json:
    """The message as it is archived."""
    now = sandbox.now()
    return {
        "msgid": make_msgid(now, route.external),
        "action": "send",
        "from": route.sender,
        "tolist": route.receivers,
        "roomid": route.roomid,
        "msgtime": int(now * 1000),
        "msgtype": kind,
        kind: body,
    }


def post_message(sandbox: Sandbox, message: Json, archived: bool = True) -> Json:
    """Append a message to the conversation and the archive, and log the effect; returns {msgid, seq}."""
    seq = append(sandbox, [NewMessage(message, archived)])[0]
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
    route = Route(row["sender"], [row["receiver"]], row["msgid"].endswith("_external"), row["roomid"])
    message = envelope(sandbox, route, "revoke", {"pre_msgid": row["msgid"]})
    return post_message(sandbox, message | {"action": "recall"}, archived=row["seq"] is not None)


def consent(sandbox: Sandbox, given: Json) -> Json:
    """Have the customer agree to archiving, or refuse (agree: false); agreeing brings a second welcome code."""
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
        result = post_message(sandbox, envelope(sandbox, Route(external_userid, [userid], external=True), kind, body))
        if agrees:
            code = welcome_code(sandbox, userid, external_userid)
            contact_event(sandbox, "msg_audit_approved", userid, external_userid, [("WelcomeCode", code)])
    return result


def edit_customer(sandbox: Sandbox, given: Json) -> Json:
    """Edit remark, description or tags on the agent's phone. Tags by name: add_tag, remove_tag, personal_tag."""
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
        change_tags(sandbox, (userid, external_userid), added, removed, by="phone")
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
    """Have one side delete the other: by = agent (del_external_contact) or customer (del_follow_user)."""
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
