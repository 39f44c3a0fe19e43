"""Mass messages (企业群发): created, listed, their results, reminders and cancellation."""

from __future__ import annotations

import calendar
import json
import secrets
import sqlite3
from datetime import UTC, datetime

from bot.sandbox.api.directory import need_member
from bot.sandbox.api.welcomes import check_content
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint, page_of
from bot.sandbox.state import Json, Sandbox

DISPATCH_SECONDS = 1.0
MONTH = 31 * 86_400
UNSENT, SENT, NOT_A_FRIEND, CAPPED = 0, 1, 2, 3


@endpoint("externalcontact/add_msg_template", empty={"fail_list": [], "msgid": ""})
def add_msg_template(sandbox: Sandbox, call: Call) -> Answer:
    kind = call.body.get("chat_type", "single")
    if kind not in ("single", "group"):
        raise RefusalError(40058, "chat_type")
    check_content(sandbox, call)
    targets, failed = (single_targets if kind == "single" else group_targets)(sandbox, call)
    if not targets:
        raise RefusalError(41048, fail_list=failed)
    msgid = "msg" + secrets.token_hex(14)
    with sandbox.ledger.transaction():
        sandbox.ledger.run(
            "INSERT INTO group_sends (msgid, chat_type, body, created_at) VALUES (?, ?, ?, ?)",
            msgid,
            kind,
            json.dumps(call.body),
            call.now,
        )
        sandbox.ledger.run_many(
            "INSERT INTO group_send_targets (msgid, userid, target) VALUES (?, ?, ?)",
            [(msgid, userid, target) for userid, target in targets],
        )
        sandbox.note("group_send", msgid=msgid, targets=len(targets), fail_list=failed, text=call.body.get("text"))
    return {"fail_list": failed, "msgid": msgid}


def single_targets(sandbox: Sandbox, call: Call) -> tuple[list[tuple[str, str]], list[str]]:
    """(member, customer) pairs, each customer once: with the sender, or with the member who wrote last."""
    customers, sender = call.texts("external_userid", 10_000), call.body.get("sender")
    groups = (call.body.get("tag_filter") or {}).get("group_list") or []
    if not (customers or sender or groups):
        raise RefusalError(40063, "sender, external_userid or tag_filter")
    if sender:
        need_member(sandbox, str(sender))
    rows = sandbox.ledger.rows("SELECT * FROM follows ORDER BY talked_at DESC, createtime DESC")
    owner: dict[str, str] = {}
    for row in rows:
        if (not sender or row["userid"].casefold() == str(sender).casefold()) and not row["blocked"]:
            owner.setdefault(row["external_userid"], row["userid"])
    if customers:
        failed = [customer for customer in customers if customer not in owner]
        return [(owner[customer], customer) for customer in dict.fromkeys(customers) if customer in owner], failed
    return [(userid, c) for c, userid in owner.items() if carries(sandbox, userid, c, groups)], []


def carries(sandbox: Sandbox, userid: str, customer: str, groups: list[Json]) -> bool:
    """Whether the tags match: OR inside a group of tags, AND between the groups."""
    rows = sandbox.ledger.rows("SELECT tag_id FROM marks WHERE userid = ? AND external_userid = ?", userid, customer)
    held = {row["tag_id"] for row in rows}
    return all(held.intersection(group.get("tag_list") or []) for group in groups)


def group_targets(sandbox: Sandbox, call: Call) -> tuple[list[tuple[str, str]], list[str]]:
    sender = call.text("sender", 40063)
    need_member(sandbox, sender)
    wanted = call.texts("chat_id_list", 2000)
    rows = sandbox.ledger.rows("SELECT chat_id FROM rooms WHERE NOT internal AND lower(owner) = lower(?)", sender)
    owned = [row["chat_id"] for row in rows]
    chosen = [chat_id for chat_id in wanted if chat_id in owned] if wanted else owned
    return [(sender, chat_id) for chat_id in chosen], [chat_id for chat_id in wanted if chat_id not in owned]


def need_group_send(sandbox: Sandbox, call: Call) -> sqlite3.Row:
    """The mass message asked for; 41063 while it is still being dispatched."""
    row = sandbox.ledger.one("SELECT * FROM group_sends WHERE msgid = ?", call.text("msgid", 41047))
    if row is None:
        raise RefusalError(41047)
    if call.now < row["created_at"] + DISPATCH_SECONDS:
        raise RefusalError(41063)
    return row


@endpoint("externalcontact/get_groupmsg_list_v2", empty={"group_msg_list": [], "next_cursor": ""})
def get_groupmsg_list(sandbox: Sandbox, call: Call) -> Answer:
    kind = call.text("chat_type")
    start, end = call.number("start_time", 0, 0, 2**33), call.number("end_time", 0, 0, 2**33)
    if not 0 < end - start <= MONTH:
        raise RefusalError(40058, "at most one month")
    limit = call.number("limit", 50, 1, 100)
    by_corp = call.number("filter_type", 2, 0, 2) != 1
    rows = sandbox.ledger.rows(
        "SELECT * FROM group_sends WHERE chat_type = ? AND created_at BETWEEN ? AND ? ORDER BY created_at DESC",
        kind,
        start,
        end + 1,
    )
    page, cursor = page_of([listed(row) for row in rows] if by_corp else [], call, limit)
    return {"group_msg_list": page, "next_cursor": cursor}


def listed(row: sqlite3.Row) -> Json:
    body = json.loads(row["body"])
    return {
        "msgid": row["msgid"],
        "create_time": int(row["created_at"]),
        "create_type": 0,
        "text": body.get("text", {}),
        "attachments": [with_picture(item) for item in body.get("attachments") or []],
    }


def with_picture(attachment: Json) -> Json:
    """An image is listed with an address, however it was given."""
    if attachment["msgtype"] != "image":
        return attachment
    return attachment | {"image": {"pic_url": "https://wework.qpic.cn/wwpic/sandbox/0", **attachment["image"]}}


@endpoint("externalcontact/get_groupmsg_task", empty={"task_list": [], "next_cursor": ""})
def get_groupmsg_task(sandbox: Sandbox, call: Call) -> Answer:
    row = need_group_send(sandbox, call)
    limit = call.number("limit", 500, 1, 1000)
    rows = sandbox.ledger.rows(
        "SELECT userid, max(send_time) AS sent FROM group_send_targets WHERE msgid = ? GROUP BY userid", row["msgid"]
    )
    tasks = [
        {"userid": r["userid"], "status": 2, "send_time": r["sent"]}
        if r["sent"]
        else {"userid": r["userid"], "status": 0}
        for r in rows
    ]
    page, cursor = page_of(tasks, call, limit)
    return {"task_list": page, "next_cursor": cursor}


@endpoint("externalcontact/get_groupmsg_send_result", empty={"send_list": [], "next_cursor": ""})
def get_groupmsg_send_result(sandbox: Sandbox, call: Call) -> Answer:
    row = need_group_send(sandbox, call)
    limit = call.number("limit", 500, 1, 1000)
    name = "external_userid" if row["chat_type"] == "single" else "chat_id"
    rows = sandbox.ledger.rows(
        "SELECT * FROM group_send_targets WHERE msgid = ? AND userid = ? ORDER BY rowid",
        row["msgid"],
        call.text("userid"),
    )
    results = [
        {name: r["target"], "userid": r["userid"], "status": r["status"]}
        | ({"send_time": r["send_time"]} if r["status"] == SENT else {})
        for r in rows
    ]
    page, cursor = page_of(results, call, limit)
    return {"send_list": page, "next_cursor": cursor}


@endpoint("externalcontact/remind_groupmsg_send")
def remind_groupmsg_send(sandbox: Sandbox, call: Call) -> Answer:
    row = need_group_send(sandbox, call)
    recent = [at for at in json.loads(row["reminders"]) if at > call.now - 86_400]
    if len(recent) >= 3:
        raise RefusalError(41094)
    sandbox.ledger.run(
        "UPDATE group_sends SET reminders = ? WHERE msgid = ?", json.dumps([*recent, call.now]), row["msgid"]
    )
    sandbox.note("group_send_reminder", msgid=row["msgid"])
    return {}


@endpoint("externalcontact/cancel_groupmsg_send")
def cancel_groupmsg_send(sandbox: Sandbox, call: Call) -> Answer:
    row = need_group_send(sandbox, call)
    if row["cancelled_at"] is not None:
        raise RefusalError(41093)
    sandbox.ledger.run("UPDATE group_sends SET cancelled_at = ? WHERE msgid = ?", call.now, row["msgid"])
    sandbox.note("group_send_cancelled", msgid=row["msgid"])
    return {}


def within_cap(sandbox: Sandbox, target: str, now: float) -> bool:
    """Whether one more is allowed: a customer or group may get as many in a month as it has days."""
    today = datetime.fromtimestamp(now, UTC)
    first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
    sent = sandbox.ledger.scalar(
        "SELECT count(*) FROM group_send_targets WHERE target = ? AND status = ? AND send_time >= ?",
        target,
        SENT,
        int(first),
    )
    return bool(sent < calendar.monthrange(today.year, today.month)[1])
