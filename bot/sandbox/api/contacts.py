"""Customers: who follows whom, details, remarks, welcome messages, contact ways."""

from __future__ import annotations

import json
import secrets
import sqlite3

from bot.sandbox.api.directory import need_member
from bot.sandbox.api.tags import tags_of
from bot.sandbox.archive import Said, append, make_msgid
from bot.sandbox.replies import Answer, Call, Refusal, endpoint, page_of
from bot.sandbox.state import Json, Sandbox

WELCOME_SECONDS = 20
LONGEST_TEXT = 4000
MOST_ATTACHMENTS = 9
ATTACHMENTS = {
    "image": (),
    "link": ("title", "url"),
    "miniprogram": ("title", "pic_media_id", "appid", "page"),
    "video": ("media_id",),
    "file": ("media_id",),
}
BYTE_LIMITS = {("link", "title"): 128, ("link", "desc"): 512, ("link", "url"): 2048, ("miniprogram", "title"): 64}


def follow(sandbox: Sandbox, userid: str, external_userid: str) -> sqlite3.Row | None:
    """The relation of a member and a customer, unless the member ended it."""
    return sandbox.ledger.one(
        "SELECT * FROM follows WHERE userid = ? AND external_userid = ?", userid, external_userid
    )


def need_follow(sandbox: Sandbox, userid: str, external_userid: str) -> sqlite3.Row:
    row = follow(sandbox, userid, external_userid)
    if row is None:
        raise Refusal(84061)
    return row


def external_contact(row: sqlite3.Row) -> Json:
    contact: Json = {
        "external_userid": row["external_userid"],
        "name": row["name"],
        "avatar": "https://wx.qlogo.cn/mmhead/sandbox/0",
        "type": row["type"],
        "gender": row["gender"],
    }
    if row["type"] == 1:
        return contact | {"unionid": row["unionid"]}
    return contact | {
        "position": "",
        "corp_name": row["corp_name"],
        "corp_full_name": row["corp_name"],
        "external_profile": {"external_attr": []},
    }


def follow_info(row: sqlite3.Row) -> Json:
    return {
        "userid": row["userid"],
        "remark": row["remark"],
        "description": row["description"],
        "createtime": row["createtime"],
        "remark_corp_name": row["remark_company"],
        "remark_mobiles": json.loads(row["remark_mobiles"]),
        "oper_userid": row["oper_userid"],
        "add_way": row["add_way"],
        "state": row["state"],
    }


@endpoint("externalcontact/get_follow_user_list", "GET", empty={"follow_user": []})
def get_follow_user_list(sandbox: Sandbox, _call: Call) -> Answer:
    rows = sandbox.ledger.rows("SELECT userid FROM members WHERE follows AND active ORDER BY rowid")
    return {"follow_user": [row["userid"] for row in rows]}


@endpoint("externalcontact/list", "GET", empty={"external_userid": []})
def list_customers(sandbox: Sandbox, call: Call) -> Answer:
    need_member(sandbox, call.query.get("userid", ""))
    rows = sandbox.ledger.rows(
        "SELECT external_userid FROM follows WHERE userid = ? ORDER BY createtime, rowid", call.query["userid"]
    )
    if not rows:
        raise Refusal(84061)
    return {"external_userid": [row["external_userid"] for row in rows]}


@endpoint("externalcontact/get", "GET", empty={"external_contact": {}, "follow_user": []})
def get_customer(sandbox: Sandbox, call: Call) -> Answer:
    external_userid = call.query.get("external_userid", "")
    customer = sandbox.ledger.one("SELECT * FROM customers WHERE external_userid = ?", external_userid)
    if customer is None:
        raise Refusal(40096)
    rows = sandbox.ledger.rows("SELECT * FROM follows WHERE external_userid = ? ORDER BY createtime", external_userid)
    if not rows:
        raise Refusal(84061)
    page, cursor = page_of(rows, Call(call.query, {"cursor": call.query.get("cursor", "")}, call.now), 500)
    followers = [follow_info(row) | {"tags": tags_of(sandbox, row["userid"], external_userid)} for row in page]
    return {"external_contact": external_contact(customer), "follow_user": followers, "next_cursor": cursor}


@endpoint(
    "externalcontact/batch/get_by_user",
    empty={"external_contact_list": [], "next_cursor": "", "fail_info": {"unlicensed_userid_list": []}},
)
def batch_get_by_user(sandbox: Sandbox, call: Call) -> Answer:
    userids = call.texts("userid_list", 100)
    if not userids:
        raise Refusal(40058, "userid_list")
    limit = call.number("limit", 50, 1, 100)
    licensed = [row["userid"] for userid in userids if (row := need_member(sandbox, userid))["licensed"]]
    marks = ",".join("?" * len(licensed))
    rows = sandbox.ledger.rows(
        f"SELECT * FROM follows WHERE userid IN ({marks}) ORDER BY rowid",  # noqa: S608 - question marks only
        *licensed,
    )
    page, cursor = page_of(rows, call, limit)
    unlicensed = [userid for userid in userids if userid.casefold() not in {u.casefold() for u in licensed}]
    return {
        "external_contact_list": [batch_item(sandbox, row) for row in page],
        "next_cursor": cursor,
        "fail_info": {"unlicensed_userid_list": unlicensed},
    }


def batch_item(sandbox: Sandbox, row: sqlite3.Row) -> Json:
    customer = sandbox.ledger.one("SELECT * FROM customers WHERE external_userid = ?", row["external_userid"])
    assert customer is not None
    marks = tags_of(sandbox, row["userid"], row["external_userid"])
    tag_ids = [tag["tag_id"] for tag in marks if tag["type"] == 1]
    return {
        "external_contact": external_contact(customer),
        "follow_info": follow_info(row) | {"tag_id": tag_ids},
    }


@endpoint("externalcontact/remark")
def remark(sandbox: Sandbox, call: Call) -> Answer:
    userid, external_userid = call.text("userid"), call.text("external_userid")
    need_follow(sandbox, userid, external_userid)
    changes = [
        (column, remark_value(call.body, name, most))
        for name, column, most in (
            ("remark", "remark", 20),
            ("description", "description", 150),
            ("remark_company", "remark_company", 20),
        )
        if name in call.body
    ]
    if "remark_mobiles" in call.body:
        mobiles = call.body["remark_mobiles"] or []
        kept = [str(mobile) for mobile in mobiles if mobile] if isinstance(mobiles, list) else []
        changes.append(("remark_mobiles", json.dumps(kept)))
    if not changes and not call.body.get("remark_pic_mediaid"):
        raise Refusal(40063)
    for column, value in changes:
        sandbox.ledger.run(
            f"UPDATE follows SET {column} = ? WHERE userid = ? AND external_userid = ?",  # noqa: S608 - our names
            value,
            userid,
            external_userid,
        )
    sandbox.note("remark", userid=userid, external_userid=external_userid, by="api", **dict(changes))
    return {}


def remark_value(body: Json, name: str, most: int) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise Refusal(40058, name)
    if len(value) > most:
        raise Refusal(45002, name)
    return value


def check_content(body: Json) -> None:
    """The text and attachments that welcome messages and mass messages share."""
    text = body.get("text") or {}
    content = text.get("content", "") if isinstance(text, dict) else None
    attachments = body.get("attachments") or []
    if not isinstance(content, str) or not isinstance(attachments, list):
        raise Refusal(40058, "text or attachments")
    if not content and not attachments:
        raise Refusal(40063, "text or attachments needed")
    if len(content.encode()) > LONGEST_TEXT:
        raise Refusal(45002, "text.content")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal(40058, f"more than {MOST_ATTACHMENTS} attachments")
    for attachment in attachments:
        check_attachment(attachment)


def check_attachment(attachment: Json) -> None:
    kind = attachment.get("msgtype") if isinstance(attachment, dict) else None
    if kind not in ATTACHMENTS:
        raise Refusal(40058, "attachments.msgtype")
    body = attachment.get(kind)
    if not isinstance(body, dict) or any(not body.get(name) for name in ATTACHMENTS[kind]):
        raise Refusal(40058, f"attachments.{kind}")
    if kind == "image" and not (body.get("media_id") or body.get("pic_url")):
        raise Refusal(40058, "attachments.image needs media_id or pic_url")
    for (owner, name), most in BYTE_LIMITS.items():
        if owner == kind and len(str(body.get(name, "")).encode()) > most:
            raise Refusal(45002, f"attachments.{kind}.{name}")


@endpoint("externalcontact/send_welcome_msg")
def send_welcome_msg(sandbox: Sandbox, call: Call) -> Answer:
    """Within 20 s of the event and once; the first to come wins."""
    code = call.text("welcome_code", 41050)
    check_content(call.body)
    with sandbox.ledger.transaction():
        row = sandbox.ledger.one("SELECT * FROM welcomes WHERE code = ?", code)
        if row is None or call.now > row["issued_at"] + WELCOME_SECONDS:
            raise Refusal(41050)
        if row["used_at"] is not None:
            raise Refusal(41051)
        sandbox.ledger.run("UPDATE welcomes SET used_at = ? WHERE code = ?", call.now, code)
        seconds = round(call.now - row["issued_at"], 3)
        sandbox.note(
            "welcome",
            userid=row["userid"],
            external_userid=row["external_userid"],
            after=seconds,
            text=call.body.get("text"),
            attachments=call.body.get("attachments"),
        )
    say_content(sandbox, row["userid"], [row["external_userid"]], call.body)
    return {}


def say_content(sandbox: Sandbox, userid: str, tolist: list[str], body: Json, roomid: str = "") -> None:
    """Text and attachments appear in the chat as the member's own messages, and in the archive."""
    now = sandbox.now()
    parts: list[tuple[str, Json]] = []
    if content := (body.get("text") or {}).get("content"):
        parts.append(("text", {"content": content}))
    parts += [archived_attachment(item) for item in body.get("attachments") or []]
    said = [
        Said(
            {
                "msgid": make_msgid(now, external=True),
                "action": "send",
                "from": userid,
                "tolist": tolist,
                "roomid": roomid,
                "msgtime": int(now * 1000) + number,
                "msgtype": kind,
                kind: part,
            }
        )
        for number, (kind, part) in enumerate(parts)
    ]
    append(sandbox, said)


def archived_attachment(attachment: Json) -> tuple[str, Json]:
    kind = attachment["msgtype"]
    body = attachment[kind]
    if kind == "link":
        return "link", {
            "title": body["title"],
            "description": body.get("desc", ""),
            "link_url": body["url"],
            "image_url": body.get("picurl", ""),
        }
    if kind == "miniprogram":
        return "weapp", {
            "title": body["title"],
            "description": "",
            "username": f"{body['appid']}@app",
            "displayname": body["title"],
            "appid": body["appid"],
            "pagepath": body["page"],
        }
    names: dict[str, Json] = {"image": {}, "video": {"play_length": 1}, "file": {"filename": "附件", "fileext": ""}}
    return kind, {"md5sum": "", "filesize": 0, "sdkfileid": "", **names[kind]}


@endpoint("externalcontact/add_contact_way", empty={"config_id": "", "qr_code": ""})
def add_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    call.number("type", 0, 1, 2)
    call.number("scene", 0, 1, 2)
    if len(str(call.body.get("state", ""))) > 30 or len(str(call.body.get("remark", ""))) > 30:
        raise Refusal(45002)
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
        raise Refusal(40058, "config_id")
    qr_code = f"https://wework.qpic.cn/wwpic/{config_id}/0"
    return {"contact_way": {"config_id": config_id, "qr_code": qr_code, **json.loads(body)}}


@endpoint("externalcontact/update_contact_way")
def update_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    config_id = call.text("config_id")
    body = sandbox.ledger.scalar("SELECT body FROM contact_ways WHERE config_id = ?", config_id)
    if body is None:
        raise Refusal(40058, "config_id")
    merged = json.dumps({**json.loads(body), **call.body})
    sandbox.ledger.run("UPDATE contact_ways SET body = ? WHERE config_id = ?", merged, config_id)
    return {}


@endpoint("externalcontact/del_contact_way")
def del_contact_way(sandbox: Sandbox, call: Call) -> Answer:
    if not sandbox.ledger.run("DELETE FROM contact_ways WHERE config_id = ?", call.text("config_id")):
        raise Refusal(40058, "config_id")
    return {}
