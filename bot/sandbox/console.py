"""Actions of admins in WeCom's console: members, departments, customer transfers, the tag library."""

from __future__ import annotations

import json
import sqlite3

from bot.sandbox.api.tags import new_id
from bot.sandbox.api.transfers import DONE, LIMIT, REFUSED, note_transfer
from bot.sandbox.callbacks import Fields, raise_event
from bot.sandbox.company import Origin, add_follow
from bot.sandbox.people import ImpossibleError, contact_event, need_agent, pair
from bot.sandbox.state import Json, Sandbox

CONTACT = "change_contact"
ASSIGNED = 202  # add_way: by an admin
_PLAIN = ("name", "position", "archived", "licensed", "active", "follows")
_LISTS = ("departments", "leads", "leaders")
_OUTCOMES = {"done": DONE, "customer_refused": REFUSED, "customer_limit_exceed": LIMIT}


def edit_member(sandbox: Sandbox, given: Json) -> Json:
    """Add or change a member. Given: userid, and any of name, position, archived, licensed, active, follows,
    departments, leads, leaders (lists), status (5: left), visible. `tell`: raise the event of the directory."""
    userid = str(given.get("userid", ""))
    if not userid:
        raise ImpossibleError("userid 不能为空")
    ledger = sandbox.ledger
    fresh = ledger.run(
        "INSERT OR IGNORE INTO members (userid, name) VALUES (?, ?)", userid, given.get("name", userid)
    )
    ledger.run("INSERT OR IGNORE INTO member_details (userid) VALUES (?)", userid)
    for column in _PLAIN:
        if column in given:
            ledger.run(f"UPDATE members SET {column} = ? WHERE userid = ?", given[column], userid)  # noqa: S608
    changes = {column: json.dumps(given[column]) for column in _LISTS if column in given}
    changes |= {column: given[column] for column in ("status", "visible") if column in given}
    for column, value in changes.items():
        ledger.run(f"UPDATE member_details SET {column} = ? WHERE userid = ?", value, userid)  # noqa: S608
    if given.get("status") == 5:
        ledger.run("UPDATE members SET active = 0, follows = 0 WHERE userid = ?", userid)
    if given.get("tell"):
        change = "create_user" if fresh else "delete_user" if given.get("status") == 5 else "update_user"
        raise_event(sandbox, CONTACT, [("ChangeType", change), ("UserID", userid)])
    return {"userid": userid}


def edit_department(sandbox: Sandbox, given: Json) -> Json:
    """Add or change a department (id, name, parentid, order), or `delete` it. `tell`: raise the event."""
    number = int(given.get("id", 0))
    ledger = sandbox.ledger
    known = ledger.one("SELECT * FROM departments WHERE id = ?", number)
    if given.get("delete"):
        ledger.run("DELETE FROM departments WHERE id = ?", number)
    else:
        before = dict(known) if known else {"parentid": 1, "position": 0, "name": ""}
        values = (given.get("parentid", before["parentid"]), given.get("order", before["position"]))
        name = str(given.get("name", before["name"]))
        ledger.run("INSERT OR REPLACE INTO departments VALUES (?, ?, ?, ?)", number, *values, name)
    if given.get("tell"):
        change = "delete_party" if given.get("delete") else "update_party" if known else "create_party"
        raise_event(sandbox, CONTACT, [("ChangeType", change), ("Id", number)])
    return {"id": number}


def settle_transfer(sandbox: Sandbox, given: Json) -> Json:
    """End a transfer. Given: handover, takeover, external_userid, outcome (done | customer_refused |
    customer_limit_exceed). Done: the giver loses the customer and the taker has them."""
    giver, taker = str(given.get("handover", "")), need_agent(sandbox, str(given.get("takeover", "")))["userid"]
    customer, outcome = str(given.get("external_userid", "")), str(given.get("outcome", "done"))
    if outcome not in _OUTCOMES:
        raise ImpossibleError(f"outcome 只能是 {'、'.join(_OUTCOMES)}")
    follow = pair(sandbox, giver, customer)
    with sandbox.ledger.transaction():
        note_transfer(sandbox, customer, giver, taker, _OUTCOMES[outcome])
        if outcome != "done":
            contact_event(sandbox, "transfer_fail", taker, customer, [("FailReason", outcome)])
            return {"status": _OUTCOMES[outcome]}
        _hand_over(sandbox, follow, taker, customer)
        contact_event(sandbox, "del_external_contact", follow["userid"], customer, [("Source", "DELETE_BY_TRANSFER")])
        contact_event(sandbox, "add_external_contact", taker, customer, [])
    return {"status": DONE}


def _hand_over(sandbox: Sandbox, follow: sqlite3.Row, taker: str, customer: str) -> None:
    """Give the customer to the taker with remark and corp tags, as WeCom does."""
    ledger, giver = sandbox.ledger, follow["userid"]
    add_follow(sandbox, taker, customer, Origin(follow["state"], ASSIGNED))
    ledger.run(
        "UPDATE follows SET remark = ?, description = ? WHERE userid = ? AND external_userid = ?",
        follow["remark"],
        follow["description"],
        taker,
        customer,
    )
    ledger.run(
        "INSERT OR IGNORE INTO marks SELECT ?, external_userid, tag_id FROM marks"
        " WHERE userid = ? AND external_userid = ?",
        taker,
        giver,
        customer,
    )
    for table in ("follows", "marks", "personal_tags"):
        ledger.run(f"DELETE FROM {table} WHERE userid = ? AND external_userid = ?", giver, customer)  # noqa: S608


def change_library(sandbox: Sandbox, given: Json) -> Json:
    """Change tags in the console, which raises events. Given: do = create (group, name), update (tag or
    tag_group, name), delete (tag or tag_group), shuffle (tag_group?)."""
    do = str(given.get("do", ""))
    action = {"create": _create, "update": _rename, "delete": _delete, "shuffle": _shuffle}.get(do)
    if action is None:
        raise ImpossibleError("do 只能是 create、update、delete、shuffle")
    with sandbox.ledger.transaction():
        number, kind = action(sandbox, given)
        fields: Fields = [("Id", number)] if number else []
        fields.append(("ChangeType", do))
        if kind:
            fields.insert(1, ("TagType", kind))
        raise_event(sandbox, "change_external_tag", fields)
    return {"id": number, "kind": kind}


def _create(sandbox: Sandbox, given: Json) -> tuple[str, str]:
    ledger, now = sandbox.ledger, int(sandbox.now())
    group, name = str(given.get("group", "")), str(given.get("name", ""))
    ledger.run("INSERT OR IGNORE INTO tag_groups VALUES (?, ?, 0, ?, 'console')", new_id(), group, now)
    group_id = ledger.scalar("SELECT group_id FROM tag_groups WHERE name = ?", group)
    tag_id = new_id()
    ledger.run("INSERT INTO tags VALUES (?, ?, ?, 0, ?, 'console')", tag_id, group_id, name, now)
    return tag_id, "tag"


def _find(sandbox: Sandbox, given: Json) -> tuple[str, str]:
    """(id, tag | tag_group) of the tag or group given by id or name."""
    for kind, table, key in (("tag", "tags", "tag_id"), ("tag_group", "tag_groups", "group_id")):
        if named := str(given.get(kind, "")):
            query = f"SELECT {key} FROM {table} WHERE {key} = ? OR name = ?"  # noqa: S608 - our names
            if number := sandbox.ledger.scalar(query, named, named):
                return str(number), kind
    raise ImpossibleError("没有这个标签或标签组")


def _rename(sandbox: Sandbox, given: Json) -> tuple[str, str]:
    number, kind = _find(sandbox, given)
    table, key = ("tags", "tag_id") if kind == "tag" else ("tag_groups", "group_id")
    sandbox.ledger.run(f"UPDATE {table} SET name = ? WHERE {key} = ?", str(given.get("name", "")), number)  # noqa: S608
    return number, kind


def _delete(sandbox: Sandbox, given: Json) -> tuple[str, str]:
    number, kind = _find(sandbox, given)
    ledger, column = sandbox.ledger, "tag_id" if kind == "tag" else "group_id"
    chosen = f"SELECT tag_id FROM tags WHERE {column} = ?"  # noqa: S608 - our names
    ledger.run(f"DELETE FROM marks WHERE tag_id IN ({chosen})", number)  # noqa: S608
    ledger.run(f"DELETE FROM tags WHERE {column} = ?", number)  # noqa: S608
    ledger.run("DELETE FROM tag_groups WHERE group_id NOT IN (SELECT group_id FROM tags)")
    return number, kind


def _shuffle(sandbox: Sandbox, given: Json) -> tuple[str, str]:
    number = _find(sandbox, given)[0] if given.get("tag_group") else ""
    sandbox.ledger.run("UPDATE tag_groups SET position = position + 1 WHERE group_id = ?", number)
    return number, ""
