"""Corp tags: the library, and marking customers with them per member and customer."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox

MOST_TAGS = 10_000
MOST_PER_PAIR = 3000
LONGEST_NAME = 30


def new_id() -> str:
    return "et" + secrets.token_hex(15)


def tags_of(sandbox: Sandbox, userid: str, external_userid: str) -> list[Json]:
    """Corp tags (type 1) and the member's own ones (type 2, without an id)."""
    corp = sandbox.ledger.rows(
        "SELECT g.name AS group_name, t.name AS tag_name, t.tag_id FROM marks m JOIN tags t USING (tag_id)"
        " JOIN tag_groups g USING (group_id) WHERE m.userid = ? AND m.external_userid = ? ORDER BY m.rowid",
        userid,
        external_userid,
    )
    own = sandbox.ledger.rows(
        "SELECT name FROM personal_tags WHERE userid = ? AND external_userid = ?", userid, external_userid
    )
    return [dict(row) | {"type": 1} for row in corp] + [
        {"group_name": "个人标签", "tag_name": row["name"], "type": 2} for row in own
    ]


def group_json(sandbox: Sandbox, group: sqlite3.Row, only: list[str] | None = None) -> Json:
    rows = sandbox.ledger.rows(
        "SELECT * FROM tags WHERE group_id = ? ORDER BY position DESC, rowid", group["group_id"]
    )
    return {
        "group_id": group["group_id"],
        "group_name": group["name"],
        "create_time": group["create_time"],
        "order": group["position"],
        "deleted": False,
        "tag": [tag_json(row) for row in rows if only is None or row["tag_id"] in only],
    }


def tag_json(row: sqlite3.Row) -> Json:
    return {
        "id": row["tag_id"],
        "name": row["name"],
        "create_time": row["create_time"],
        "order": row["position"],
        "deleted": False,
    }


@endpoint("externalcontact/get_corp_tag_list", empty={"tag_group": []})
def get_corp_tag_list(sandbox: Sandbox, call: Call) -> Answer:
    group_ids, tag_ids = call.texts("group_id"), call.texts("tag_id")
    groups = sandbox.ledger.rows("SELECT * FROM tag_groups ORDER BY position DESC, rowid")
    if group_ids:
        return {"tag_group": [group_json(sandbox, g) for g in groups if g["group_id"] in group_ids]}
    listed = [group_json(sandbox, group, tag_ids or None) for group in groups]
    return {"tag_group": [group for group in listed if group["tag"] or not tag_ids]}


@endpoint("externalcontact/add_corp_tag", empty={"tag_group": {}})
def add_corp_tag(sandbox: Sandbox, call: Call) -> Answer:
    """An existing group_name means that group; a name twice in a group is one tag; no empty group."""
    wanted = call.body.get("tag")
    if not isinstance(wanted, list) or not wanted:
        raise RefusalError(40058, "tag")
    names = [tag_name(item.get("name") if isinstance(item, dict) else None) for item in wanted]
    ledger, now = sandbox.ledger, int(call.now)
    with ledger.transaction():
        if ledger.scalar("SELECT count(*) FROM tags") + len(set(names)) > MOST_TAGS:
            raise RefusalError(40126)
        group = find_group(sandbox, call, now)
        for name, item in zip(names, wanted, strict=True):
            ledger.run(
                "INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?, ?, ?)",
                new_id(),
                group["group_id"],
                name,
                order_of(item),
                now,
                "app",
            )
        rows = ledger.rows("SELECT * FROM tags WHERE group_id = ? ORDER BY rowid", group["group_id"])
        sandbox.note("tag_library", group=group["name"], added=names)
    reply = {name: value for name, value in group_json(sandbox, group).items() if name != "deleted"}
    added = [{k: v for k, v in tag_json(row).items() if k != "deleted"} for row in rows if row["name"] in names]
    return {"tag_group": reply | {"tag": added}}


def tag_name(name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise RefusalError(40058, "tag name")
    if len(name) > LONGEST_NAME:
        raise RefusalError(45002, "tag name")
    return name


def order_of(item: Json) -> int:
    order = item.get("order", 0)
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order < 2**32:
        raise RefusalError(40058, "order")
    return order


def find_group(sandbox: Sandbox, call: Call, now: int) -> sqlite3.Row:
    ledger = sandbox.ledger
    if group_id := call.body.get("group_id"):
        group = ledger.one("SELECT * FROM tag_groups WHERE group_id = ?", str(group_id))
        if group is None:
            raise RefusalError(40068, "group_id")
        return group
    name = tag_name(call.body.get("group_name"))
    ledger.run(
        "INSERT OR IGNORE INTO tag_groups VALUES (?, ?, ?, ?, ?)", new_id(), name, order_of(call.body), now, "app"
    )
    group = ledger.one("SELECT * FROM tag_groups WHERE name = ?", name)
    assert group is not None
    return group


@endpoint("externalcontact/edit_corp_tag")
def edit_corp_tag(sandbox: Sandbox, call: Call) -> Answer:
    number = call.text("id", 40068)
    table, key = ("tags", "tag_id")
    row = sandbox.ledger.one("SELECT made_by FROM tags WHERE tag_id = ?", number)
    if row is None:
        table, key = ("tag_groups", "group_id")
        row = sandbox.ledger.one("SELECT made_by FROM tag_groups WHERE group_id = ?", number)
    if row is None:
        raise RefusalError(40068)
    if row["made_by"] != "app":
        raise RefusalError(48002, "not made by this app")
    name = tag_name(call.body["name"]) if "name" in call.body else None
    position = order_of(call.body) if "order" in call.body else None
    try:
        sandbox.ledger.run(
            f"UPDATE {table} SET name = coalesce(?, name), position = coalesce(?, position)"  # noqa: S608
            f" WHERE {key} = ?",
            name,
            position,
            number,
        )
    except sqlite3.IntegrityError:
        raise RefusalError(40058, "the name is taken") from None
    return {}


@endpoint("externalcontact/del_corp_tag")
def del_corp_tag(sandbox: Sandbox, call: Call) -> Answer:
    tag_ids, group_ids = call.texts("tag_id"), call.texts("group_id")
    if not tag_ids and not group_ids:
        raise RefusalError(40063)
    delete_tags(sandbox, tag_ids, group_ids)
    return {}


def delete_tags(sandbox: Sandbox, tag_ids: list[str], group_ids: list[str]) -> None:
    """Delete tags from the library and from every customer; a group left empty is deleted too."""
    ledger = sandbox.ledger
    with ledger.transaction():
        for group_id in group_ids:
            rows = ledger.rows("SELECT tag_id FROM tags WHERE group_id = ?", group_id)
            tag_ids = tag_ids + [row["tag_id"] for row in rows]
        for tag_id in tag_ids:
            ledger.run("DELETE FROM tags WHERE tag_id = ?", tag_id)
            ledger.run("DELETE FROM marks WHERE tag_id = ?", tag_id)
        ledger.run("DELETE FROM tag_groups WHERE group_id NOT IN (SELECT group_id FROM tags)")
        sandbox.note("tag_library", deleted=tag_ids)


@endpoint("externalcontact/mark_tag")
def mark_tag(sandbox: Sandbox, call: Call) -> Answer:
    userid, external_userid = call.text("userid"), call.text("external_userid")
    added, removed = call.texts("add_tag"), call.texts("remove_tag")
    if not added and not removed:
        raise RefusalError(40063, "add_tag and remove_tag")
    if not sandbox.ledger.one(
        "SELECT 1 FROM follows WHERE userid = ? AND external_userid = ?", userid, external_userid
    ):
        raise RefusalError(84061)
    for tag_id in [*added, *removed]:
        if not sandbox.ledger.one("SELECT 1 FROM tags WHERE tag_id = ?", tag_id):
            raise RefusalError(40068)
    if sandbox.spend("partial_marks"):
        added, removed = added[:1], []
    with exclusive_write(sandbox, external_userid):
        change_tags(sandbox, (userid, external_userid), added, removed, by="api")
    return {}


@contextmanager
def exclusive_write(sandbox: Sandbox, external_userid: str) -> Iterator[None]:
    """Hold a customer for one write; a second one at the same time is refused (45035)."""
    with sandbox.ledger.transaction():
        if external_userid in sandbox.busy_customers:
            raise RefusalError(45035)
        sandbox.busy_customers.add(external_userid)
    try:
        time.sleep(sandbox.switch("mark_seconds"))
        yield
    finally:
        sandbox.busy_customers.discard(external_userid)


def change_tags(sandbox: Sandbox, pair: tuple[str, str], added: list[str], removed: list[str], by: str) -> None:
    """Change the corp tags of one (userid, external_userid); `by`: api or phone."""
    ledger = sandbox.ledger
    with ledger.transaction():
        ledger.run_many("DELETE FROM marks WHERE userid = ? AND external_userid = ? AND tag_id = ?",
                        [(*pair, tag_id) for tag_id in removed])  # fmt: skip
        ledger.run_many("INSERT OR IGNORE INTO marks VALUES (?, ?, ?)", [(*pair, tag_id) for tag_id in added])
        count = "SELECT count(*) FROM marks WHERE userid = ? AND external_userid = ?"
        if ledger.scalar(count, *pair) > MOST_PER_PAIR:
            raise RefusalError(40126)
        names = {row["tag_id"]: row["name"] for row in ledger.rows("SELECT tag_id, name FROM tags")}
        sandbox.note(
            "tags",
            userid=pair[0],
            external_userid=pair[1],
            by=by,
            added=[names[tag_id] for tag_id in added],
            removed=[names[tag_id] for tag_id in removed],
            now=[tag["tag_name"] for tag in tags_of(sandbox, *pair)],
        )
