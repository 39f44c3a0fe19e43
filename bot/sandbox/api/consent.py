"""msgaudit over HTTP: who is archived, who agreed, internal groups, robots."""

from __future__ import annotations

from bot.sandbox.replies import Answer, Call, RefusalError, endpoint
from bot.sandbox.state import Json, Sandbox


@endpoint("msgaudit/get_permit_user_list", by=("archive",), empty={"ids": []})
def get_permit_user_list(sandbox: Sandbox, call: Call) -> Answer:
    if "type" in call.body:
        call.number("type", 1, 1, 3)
    rows = sandbox.ledger.rows("SELECT userid FROM members WHERE archived ORDER BY rowid")
    return {"ids": [row["userid"] for row in rows]}


@endpoint("msgaudit/check_single_agree", by=("archive",), empty={"agreeinfo": []})
def check_single_agree(sandbox: Sandbox, call: Call) -> Answer:
    info = call.body.get("info")
    if not isinstance(info, list) or not info:
        raise RefusalError(40058, "info")
    if len(info) > 100:
        raise RefusalError(301060)
    return {"agreeinfo": [agreement(sandbox, item) for item in info]}


def agreement(sandbox: Sandbox, item: Json) -> Json:
    """WeCom really spells the field exteranalopenid."""
    userid, outsider = str(item.get("userid", "")), str(item.get("exteranalopenid", ""))
    row = sandbox.ledger.one("SELECT * FROM follows WHERE userid = ? AND external_userid = ?", userid, outsider)
    if row is None:
        raise RefusalError(84061)
    return {
        "status_change_time": row["agree_at"],
        "userid": userid,
        "exteranalopenid": outsider,
        "agree_status": row["agree"],
    }


@endpoint("msgaudit/check_room_agree", by=("archive",), empty={"agreeinfo": []})
def check_room_agree(sandbox: Sandbox, call: Call) -> Answer:
    rows = sandbox.ledger.rows(
        "SELECT who, max(agree_at) AS agree_at, max(agree) AS agree FROM room_members"
        " LEFT JOIN follows ON external_userid = who WHERE chat_id = ? AND substr(who, 1, 2) IN ('wm', 'wo')"
        " GROUP BY who ORDER BY who",
        call.text("roomid"),
    )
    return {
        "agreeinfo": [
            {
                "status_change_time": row["agree_at"] or 0,
                "exteranalopenid": row["who"],
                "agree_status": row["agree"] or "Default_Agree",
            }
            for row in rows
        ]
    }


@endpoint("msgaudit/groupchat/get", by=("archive",), empty={"members": []})
def get_internal_group(sandbox: Sandbox, call: Call) -> Answer:
    room = sandbox.ledger.one("SELECT * FROM rooms WHERE chat_id = ?", call.text("roomid"))
    if room is None or not room["internal"]:
        raise RefusalError(301059)
    rows = sandbox.ledger.rows("SELECT who, join_time FROM room_members WHERE chat_id = ?", room["chat_id"])
    return {
        "roomname": room["name"],
        "creator": room["owner"],
        "room_create_time": room["create_time"],
        "notice": room["notice"],
        "members": [{"memberid": row["who"], "jointime": row["join_time"]} for row in rows],
    }


@endpoint("msgaudit/get_robot_info", "GET", by=("archive",), empty={"data": {}})
def get_robot_info(sandbox: Sandbox, call: Call) -> Answer:
    robot_id = call.query.get("robot_id", "")
    if not robot_id.startswith("wb"):
        raise RefusalError(40058, "robot_id")
    creator = sandbox.ledger.scalar("SELECT userid FROM members ORDER BY rowid")
    return {"data": {"robot_id": robot_id, "name": "线索播报", "creator_userid": creator}}
