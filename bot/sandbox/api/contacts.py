"""Customers: who follows whom, details, remarks."""

from __future__ import annotations

import json
import sqlite3

from bot.sandbox.api.directory import need_visible
from bot.sandbox.api.tags import tags_of
from bot.sandbox.replies import Answer, Call, RefusalError, endpoint, page_of
from bot.sandbox.state import Json, Sandbox


def follow(sandbox: Sandbox, userid: str, external_userid: str) -> sqlite3.Row | None:
    """The relation of a member and a customer, unless the member ended it."""
    return sandbox.ledger.one(
        "SELECT * FROM follows WHERE userid = ? AND external_userid = ?", userid, external_userid
    )


def need_follow(sandbox: Sandbox, userid: str, external_userid: str) -> sqlite3.Row:
    row = follow(sandbox, userid, external_userid)
    if row is None:
        raise RefusalError(84061)
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


def spelled(sandbox: Sandbox, userid: str) -> str:
    """A userid as an answer spells it: as given, or in lower case under the switch."""
    return userid.lower() if sandbox.switch("lower_userids") else userid


def follow_info(sandbox: Sandbox, row: sqlite3.Row) -> Json:
    return {
        "userid": spelled(sandbox, row["userid"]),
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
    return {"follow_user": [spelled(sandbox, row["userid"]) for row in rows]}


@endpoint("externalcontact/list", "GET", empty={"external_userid": []})
def list_customers(sandbox: Sandbox, call: Call) -> Answer:
    need_visible(sandbox, call.query.get("userid", ""))
    rows = sandbox.ledger.rows(
        "SELECT external_userid FROM follows WHERE userid = ? ORDER BY createtime, rowid", call.query["userid"]
    )
    if not rows:
        raise RefusalError(84061)
    return {"external_userid": [row["external_userid"] for row in rows]}


@endpoint("externalcontact/get", "GET", empty={"external_contact": {}, "follow_user": []})
def get_customer(sandbox: Sandbox, call: Call) -> Answer:
    external_userid = call.query.get("external_userid", "")
    customer = sandbox.ledger.one("SELECT * FROM customers WHERE external_userid = ?", external_userid)
    if customer is None:
        raise RefusalError(40096)
    rows = sandbox.ledger.rows("SELECT * FROM follows WHERE external_userid = ? ORDER BY createtime", external_userid)
    if not rows:
        raise RefusalError(84061)
    page, cursor = page_of(rows, Call(call.query, {"cursor": call.query.get("cursor", "")}, call.now), 500)
    followers = [
        follow_info(sandbox, row) | {"tags": tags_of(sandbox, row["userid"], external_userid)} for row in page
    ]
    return {"external_contact": external_contact(customer), "follow_user": followers, "next_cursor": cursor}


@endpoint(
    "externalcontact/batch/get_by_user",
    empty={"external_contact_list": [], "next_cursor": "", "fail_info": {"unlicensed_userid_list": []}},
)
def batch_get_by_user(sandbox: Sandbox, call: Call) -> Answer:
    userids = call.texts("userid_list", 100)
    if not userids:
        raise RefusalError(40058, "userid_list")
    limit = call.number("limit", 50, 1, 100)
    licensed = [row["userid"] for userid in userids if (row := need_visible(sandbox, userid))["licensed"]]
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
        "follow_info": follow_info(sandbox, row) | {"tag_id": tag_ids},
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
        raise RefusalError(40063)
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
        raise RefusalError(40058, name)
    if len(value) > most:
        raise RefusalError(45002, name)
    return value
