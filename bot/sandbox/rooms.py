"""Group chats: created, joined, left, renamed, written in."""

from __future__ import annotations

import secrets
import sqlite3

from bot.sandbox.bodies import make_body
from bot.sandbox.callbacks import Fields, raise_event
from bot.sandbox.company import is_outsider
from bot.sandbox.people import ImpossibleError, Route, envelope, need_agent, post_message
from bot.sandbox.state import Json, Sandbox

CHAT = "change_external_chat"


def need_room(sandbox: Sandbox, given: Json) -> sqlite3.Row:
    row = sandbox.ledger.one("SELECT * FROM rooms WHERE chat_id = ?", str(given.get("chat_id", "")))
    if row is None:
        raise ImpossibleError("没有这个群")
    return row


def create_room(sandbox: Sandbox, given: Json) -> Json:
    """Given: owner, name, members; internal groups raise no event of customer contact."""
    owner = need_agent(sandbox, str(given.get("owner", "")))["userid"]
    chat_id, now = "wr" + secrets.token_hex(15), int(sandbox.now())
    internal = bool(given.get("internal"))
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "INSERT INTO rooms (chat_id, name, owner, create_time, internal, version) VALUES (?, ?, ?, ?, ?, ?)",
            chat_id,
            str(given.get("name", "")),
            owner,
            now,
            internal,
            secrets.token_hex(16),
        )
        for who in dict.fromkeys([owner, *map(str, given.get("members") or [])]):
            seat(sandbox, chat_id, who, 1, owner)
        if not internal:
            raise_event(sandbox, CHAT, [("ChatId", chat_id), ("ChangeType", "create")])
    return {"chat_id": chat_id}


def seat(sandbox: Sandbox, chat_id: str, who: str, scene: int, invitor: str) -> None:
    sandbox.ledger.run(
        "INSERT OR IGNORE INTO room_members VALUES (?, ?, ?, ?, ?)", chat_id, who, int(sandbox.now()), scene, invitor
    )


def change_room(sandbox: Sandbox, given: Json) -> Json:
    """Given: chat_id and one of join [ids], leave [ids] (removed: true), name, owner, notice, dismiss."""
    room = need_room(sandbox, given)
    chat_id, ledger = room["chat_id"], sandbox.ledger
    with ledger.transaction():
        detail, extra = apply_change(sandbox, chat_id, given)
        version = secrets.token_hex(16)
        ledger.run("UPDATE rooms SET version = ? WHERE chat_id = ?", version, chat_id)
        versions: Fields = [("LastMemVer", room["version"]), ("CurMemVer", version)] if extra else []
        head: Fields = [("ChatId", chat_id), ("ChangeType", "dismiss" if detail == "dismiss" else "update")]
        if detail != "dismiss":
            head.append(("UpdateDetail", detail))
        if not room["internal"]:
            raise_event(sandbox, CHAT, head + extra + versions)
    return {"detail": detail}


def apply_change(sandbox: Sandbox, chat_id: str, given: Json) -> tuple[str, Fields]:
    ledger = sandbox.ledger
    if joining := [str(who) for who in given.get("join") or []]:
        scene = int(given.get("scene", 3))
        for who in joining:
            seat(sandbox, chat_id, who, scene, "")
        return "add_member", [("JoinScene", scene), *moved(joining)]
    if leaving := [str(who) for who in given.get("leave") or []]:
        ledger.run_many("DELETE FROM room_members WHERE chat_id = ? AND who = ?", [(chat_id, w) for w in leaving])
        return "del_member", [("QuitScene", int(bool(given.get("removed")))), *moved(leaving)]
    for column, detail in (("name", "change_name"), ("owner", "change_owner"), ("notice", "change_notice")):
        if column in given:
            ledger.run(f"UPDATE rooms SET {column} = ? WHERE chat_id = ?", str(given[column]), chat_id)  # noqa: S608
            return detail, []
    if given.get("dismiss"):
        ledger.run("DELETE FROM room_members WHERE chat_id = ?", chat_id)
        ledger.run("DELETE FROM rooms WHERE chat_id = ?", chat_id)
        return "dismiss", []
    raise ImpossibleError("说明要改什么：join、leave、name、owner、notice 或 dismiss")


def moved(people: list[str]) -> Fields:
    items: Fields = [("Item", who) for who in people]
    return [("MemChangeCnt", len(people)), ("MemChangeList", items)]


def say_in_room(sandbox: Sandbox, given: Json) -> Json:
    """Given: chat_id, from, msgtype (text), content or body. It goes to all the others."""
    room, sender = need_room(sandbox, given), str(given.get("from", ""))
    rows = sandbox.ledger.rows("SELECT who FROM room_members WHERE chat_id = ?", room["chat_id"])
    people = [row["who"] for row in rows]
    if sender not in people:
        raise ImpossibleError("不在群里的人不能发言")
    kind = str(given.get("msgtype") or "text")
    body = make_body(sandbox, kind, dict(given.get("body") or {"content": given.get("content", "")}))
    external = any(is_outsider(sandbox, who) for who in people)
    others = [who for who in people if who != sender]
    return post_message(sandbox, envelope(sandbox, Route(sender, others, external, room["chat_id"]), kind, body))
