"""The corp's own people: members and departments."""

from __future__ import annotations

import json
import sqlite3

from bot.sandbox.replies import Answer, Call, RefusalError, endpoint, page_of
from bot.sandbox.state import Json, Sandbox

_WITH_DETAILS = (
    "SELECT m.*, coalesce(d.departments, '[]') AS departments, coalesce(d.leads, '[]') AS leads,"
    " coalesce(d.leaders, '[]') AS leaders, coalesce(d.status, 1) AS status, coalesce(d.visible, 1) AS visible"
    " FROM members m LEFT JOIN member_details d ON d.userid = m.userid"
)
LEFT = 5


def member(sandbox: Sandbox, userid: str) -> sqlite3.Row | None:
    """A member by userid, whatever its case."""
    return sandbox.ledger.one(f"{_WITH_DETAILS} WHERE m.userid = ?", userid)


def need_member(sandbox: Sandbox, userid: str, errcode: int = 60111) -> sqlite3.Row:
    row = member(sandbox, userid)
    if row is None or row["status"] == LEFT:
        raise RefusalError(errcode)
    return row


def need_visible(sandbox: Sandbox, userid: str) -> sqlite3.Row:
    """A member within the app's visible range, else 60011."""
    row = need_member(sandbox, userid)
    if not row["visible"]:
        raise RefusalError(60011)
    return row


def departments_of(row: sqlite3.Row) -> list[int]:
    return list(json.loads(row["departments"])) or [row["department"]]


def members_of(sandbox: Sandbox, department: int, deep: bool = True) -> list[sqlite3.Row]:
    """Members of a department and, if `deep`, everything below it (1 is the corp)."""
    wanted = below(sandbox, department) if deep else {department}
    rows = sandbox.ledger.rows(f"{_WITH_DETAILS} ORDER BY m.rowid")
    return [row for row in rows if row["status"] != LEFT and wanted & set(departments_of(row))]


def below(sandbox: Sandbox, department: int) -> set[int]:
    """A department and all under it."""
    found, rows = {department}, sandbox.ledger.rows("SELECT id, parentid FROM departments")
    while more := {row["id"] for row in rows if row["parentid"] in found} - found:
        found |= more
    return found


@endpoint("user/get", "GET")
def get_user(sandbox: Sandbox, call: Call) -> Answer:
    return card(need_visible(sandbox, call.query.get("userid", "")))


def card(row: sqlite3.Row) -> Json:
    """What apps made after 2022-06-20 see of a member: no mobile, no mail, no avatar."""
    departments, leads = departments_of(row), json.loads(row["leads"])
    return {
        "userid": row["userid"],
        "name": row["name"],
        "department": departments,
        "order": [1] * len(departments),
        "position": row["position"],
        "status": row["status"] if row["status"] != 1 else 1 if row["active"] else 4,
        "isleader": int(bool(leads)),
        "is_leader_in_dept": [int(number in leads) for number in departments],
        "direct_leader": json.loads(row["leaders"]),
        "main_department": departments[0],
        "alias": "",
        "telephone": "",
        "open_userid": "",
    }


def department_id(sandbox: Sandbox, call: Call) -> int:
    text = call.query.get("department_id", "")
    if not text.isdigit() or not sandbox.ledger.one("SELECT 1 FROM departments WHERE id = ?", int(text)):
        raise RefusalError(40058, "department_id")
    return int(text)


@endpoint("user/simplelist", "GET", empty={"userlist": []})
def simple_list(sandbox: Sandbox, call: Call) -> Answer:
    return {
        "userlist": [
            {"userid": row["userid"], "name": row["name"], "department": departments_of(row), "open_userid": ""}
            for row in asked_for(sandbox, call)
        ]
    }


@endpoint("user/list", "GET", empty={"userlist": []})
def full_list(sandbox: Sandbox, call: Call) -> Answer:
    return {"userlist": [card(row) for row in asked_for(sandbox, call)]}


def asked_for(sandbox: Sandbox, call: Call) -> list[sqlite3.Row]:
    deep = call.query.get("fetch_child") == "1"
    return [row for row in members_of(sandbox, department_id(sandbox, call), deep) if row["visible"]]


@endpoint("user/list_id", by=("contacts",), empty={"dept_user": [], "next_cursor": ""})
def list_id(sandbox: Sandbox, call: Call) -> Answer:
    limit = call.number("limit", 10_000, 1, 10_000)
    pairs = [
        {"userid": row["userid"], "department": number}
        for row in sandbox.ledger.rows(f"{_WITH_DETAILS} ORDER BY m.rowid")
        if row["status"] != LEFT
        for number in departments_of(row)
    ]
    page, cursor = page_of(pairs, call, limit)
    return {"dept_user": page, "next_cursor": cursor}


@endpoint("department/simplelist", "GET", by=("app", "contacts"), empty={"department_id": []})
def department_simplelist(sandbox: Sandbox, call: Call) -> Answer:
    return {
        "department_id": [
            {"id": row["id"], "parentid": row["parentid"], "order": row["position"]}
            for row in departments_under(sandbox, call)
        ]
    }


@endpoint("department/list", "GET", by=("app", "contacts"), empty={"department": []})
def department_list(sandbox: Sandbox, call: Call) -> Answer:
    """With names; department_leader are those who lead it."""
    rows = sandbox.ledger.rows("SELECT userid, leads FROM member_details ORDER BY rowid")
    return {
        "department": [
            {
                "id": row["id"],
                "name": row["name"],
                "name_en": "",
                "department_leader": [who["userid"] for who in rows if row["id"] in json.loads(who["leads"])],
                "parentid": row["parentid"],
                "order": row["position"],
            }
            for row in departments_under(sandbox, call)
        ]
    }


def departments_under(sandbox: Sandbox, call: Call) -> list[sqlite3.Row]:
    text = call.query.get("id") or "1"
    if not text.isdigit():
        raise RefusalError(40058, "id")
    wanted = below(sandbox, int(text))
    return [row for row in sandbox.ledger.rows("SELECT * FROM departments ORDER BY id") if row["id"] in wanted]
