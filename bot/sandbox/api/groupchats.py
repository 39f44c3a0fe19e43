"""Customer groups: the list and the details."""

from __future__ import annotations

import sqlite3

from bot.sandbox.api.directory import member
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint, page_of
from bot.sandbox.state import Json, Sandbox


@endpoint("externalcontact/groupchat/list", empty={"group_chat_list": [], "next_cursor": ""})
def list_groups(sandbox: Sandbox, call: Call) -> Answer:
    if "limit" not in call.body:
        raise RefusalError(40058, "limit")
    limit = call.number("limit", 0, 1, 1000)
    status = call.number("status_filter", 0, 0, 3)
    owners = (call.body.get("owner_filter") or {}).get("userid_list") or []
    if len(owners) > 100:
        raise RefusalError(40058, "owner_filter.userid_list")
    wanted = {owner.casefold() for owner in owners}
    rows = [
        {"chat_id": row["chat_id"], "status": row["status"]}
        for row in sandbox.ledger.rows("SELECT * FROM rooms WHERE NOT internal ORDER BY create_time, rowid")
        if (not wanted or row["owner"].casefold() in wanted) and status in (0, row["status"])
    ]
    page, cursor = page_of(rows, call, limit)
    return {"group_chat_list": page, "next_cursor": cursor}


@endpoint("externalcontact/groupchat/get", empty={"group_chat": {}})
def get_group(sandbox: Sandbox, call: Call) -> Answer:
    room = sandbox.ledger.one("SELECT * FROM rooms WHERE chat_id = ?", call.text("chat_id"))
    if room is None or room["internal"]:
        raise RefusalError(90501)
    named = call.number("need_name", 0, 0, 1) == 1
    rows = sandbox.ledger.rows(
        "SELECT * FROM room_members WHERE chat_id = ? ORDER BY join_time, rowid", room["chat_id"]
    )
    return {
        "group_chat": {
            "chat_id": room["chat_id"],
            "name": room["name"],
            "owner": room["owner"],
            "create_time": room["create_time"],
            "notice": room["notice"],
            "member_list": [participant(sandbox, row, named) for row in rows],
            "admin_list": [],
            "member_version": room["version"],
        }
    }


def participant(sandbox: Sandbox, row: sqlite3.Row, named: bool) -> Json:
    entry: Json = {"userid": row["who"], "type": 1, "join_time": row["join_time"], "join_scene": row["join_scene"]}
    person = member(sandbox, row["who"])
    if person is None:
        entry["type"] = 2
        person = sandbox.ledger.one("SELECT * FROM customers WHERE external_userid = ?", row["who"])
        if person and person["unionid"]:
            entry["unionid"] = person["unionid"]
    if row["invitor"]:
        entry["invitor"] = {"userid": row["invitor"]}
    entry["group_nickname"] = ""
    return entry | {"name": person["name"]} if named and person else entry
