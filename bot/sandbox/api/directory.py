"""The corp's own people: members and departments."""

from __future__ import annotations

import sqlite3

from bot.sandbox.replies import Answer, Call, Refusal, endpoint, page_of
from bot.sandbox.state import Json, Sandbox

DEPARTMENTS = [
    {"id": 1, "parentid": 0, "order": 1, "name": "示例教育"},
    {"id": 2, "parentid": 1, "order": 1, "name": "课程顾问部"},
    {"id": 3, "parentid": 1, "order": 2, "name": "教务服务部"},
]


def member(sandbox: Sandbox, userid: str) -> sqlite3.Row | None:
    """A member by userid, whatever its case."""
    return sandbox.ledger.one("SELECT * FROM members WHERE userid = ?", userid)


def need_member(sandbox: Sandbox, userid: str, errcode: int = 60111) -> sqlite3.Row:
    row = member(sandbox, userid)
    if row is None:
        raise Refusal(errcode)
    return row


def members_of(sandbox: Sandbox, department: int) -> list[sqlite3.Row]:
    """Members of a department and everything below it (1 is the corp)."""
    if department == 1:
        return sandbox.ledger.rows("SELECT * FROM members ORDER BY rowid")
    return sandbox.ledger.rows("SELECT * FROM members WHERE department = ? ORDER BY rowid", department)


@endpoint("user/get", "GET")
def get_user(sandbox: Sandbox, call: Call) -> Answer:
    return card(need_member(sandbox, call.query.get("userid", "")))


def card(row: sqlite3.Row) -> Json:
    """What apps made after 2022-06-20 see of a member: no mobile, no mail, no avatar."""
    return {
        "userid": row["userid"],
        "name": row["name"],
        "department": [row["department"]],
        "order": [1],
        "position": row["position"],
        "status": 1 if row["active"] else 4,
        "isleader": 0,
        "is_leader_in_dept": [0],
        "direct_leader": [],
        "main_department": row["department"],
        "alias": "",
        "telephone": "",
        "open_userid": "",
    }


def department_id(call: Call) -> int:
    text = call.query.get("department_id", "")
    if not text.isdigit() or int(text) not in {row["id"] for row in DEPARTMENTS}:
        raise Refusal(40058, "department_id")
    return int(text)


@endpoint("user/simplelist", "GET", empty={"userlist": []})
def simple_list(sandbox: Sandbox, call: Call) -> Answer:
    rows = members_of(sandbox, department_id(call))
    return {
        "userlist": [
            {"userid": row["userid"], "name": row["name"], "department": [row["department"]], "open_userid": ""}
            for row in rows
        ]
    }


@endpoint("user/list", "GET", empty={"userlist": []})
def full_list(sandbox: Sandbox, call: Call) -> Answer:
    return {"userlist": [card(row) for row in members_of(sandbox, department_id(call))]}


@endpoint("user/list_id", by=("contacts",), empty={"dept_user": [], "next_cursor": ""})
def list_id(sandbox: Sandbox, call: Call) -> Answer:
    limit = call.number("limit", 10_000, 1, 10_000)
    rows = sandbox.ledger.rows("SELECT userid, department FROM members ORDER BY rowid")
    page, cursor = page_of([dict(row) for row in rows], call, limit)
    return {"dept_user": page, "next_cursor": cursor}


@endpoint("department/simplelist", "GET", by=("app", "contacts"), empty={"department_id": []})
def department_simplelist(_sandbox: Sandbox, call: Call) -> Answer:
    root = int(call.query.get("id") or 1)
    chosen = [row for row in DEPARTMENTS if root in (row["id"], row["parentid"])]
    names = ("id", "parentid", "order")
    return {"department_id": [{name: row[name] for name in names} for row in chosen]}
