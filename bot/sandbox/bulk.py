"""Appends many messages to the archive at once, as for a replay of old dialogues."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.sandbox.archive import NewMessage, append, make_msgid
from bot.sandbox.company import NewCustomer, add_follow, add_person
from bot.sandbox.people import ImpossibleError
from bot.sandbox.state import Json, Sandbox


def post_many(sandbox: Sandbox, items: list[Json]) -> Json:
    """Append messages in order; unknown people are created, without a callback.

    An item is {from, to, text, at?, msgid?} (`at`: ISO 8601, or milliseconds), {from, to, msgtype, body, ...},
    or {"message": {...}} with a whole decrypted message.
    """
    messages = [message_of(sandbox, item) for item in items]
    with sandbox.ledger.transaction():
        introduce(sandbox, messages)
        seqs = append(sandbox, [NewMessage(message) for message in messages])
        sandbox.note("bulk", count=len(messages))
    return {"count": len(seqs), "first_seq": seqs[0] if seqs else None, "last_seq": seqs[-1] if seqs else None}


def message_of(sandbox: Sandbox, item: Json) -> Json:
    if not isinstance(item, dict):
        raise ImpossibleError("每一条都应是 JSON 对象")
    if isinstance(item.get("message"), dict):
        whole: Json = item["message"]
        return whole
    sender, receiver = str(item.get("from", "")), item.get("to", "")
    if not sender or not receiver:
        raise ImpossibleError("每一条都要有 from 和 to")
    receivers = [str(who) for who in receiver] if isinstance(receiver, list) else [str(receiver)]
    at = milliseconds(item.get("at"), sandbox.now())
    external = any(who.startswith(("wm", "wo")) for who in [sender, *receivers])
    kind = str(item.get("msgtype") or "text")
    return {
        "msgid": str(item.get("msgid") or make_msgid(at / 1000, external)),
        "action": "send",
        "from": sender,
        "tolist": receivers,
        "roomid": str(item.get("roomid", "")),
        "msgtime": at,
        "msgtype": kind,
        kind: item.get("body") or {"content": str(item.get("text", ""))},
    }


def milliseconds(at: Any, now: float) -> int:
    if at is None:
        return int(now * 1000)
    if isinstance(at, int | float):
        return int(at)
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError:
        raise ImpossibleError(f"at 应是 ISO 8601 时间或毫秒数：{at}") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def introduce(sandbox: Sandbox, messages: list[Json]) -> None:
    """Create the customers, members and follow relations that these messages presume."""
    rows = sandbox.ledger.rows("SELECT userid FROM members")
    members = {row["userid"].casefold() for row in rows}
    for sender, receiver in {(str(m.get("from", "")), str(m["tolist"][0])) for m in messages if m.get("tolist")}:
        outsiders = [who for who in (sender, receiver) if is_outside(who, members)]
        insiders = [who for who in (sender, receiver) if who and who not in outsiders]
        for userid in insiders:
            if userid.casefold() not in members and not userid.startswith(("wr", "wb")):
                sandbox.ledger.run("INSERT OR IGNORE INTO members (userid, name) VALUES (?, ?)", userid, userid)
                members.add(userid.casefold())
        for customer in outsiders:
            add_person(sandbox, NewCustomer(customer, f"客户{customer[-4:]}", 1 if customer.startswith("wm") else 2))
            for userid in insiders:
                add_follow(sandbox, userid, customer)


def is_outside(who: object, members: set[str]) -> bool:
    return isinstance(who, str) and who.casefold() not in members and who.startswith(("wm", "wo"))
