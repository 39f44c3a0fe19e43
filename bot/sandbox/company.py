"""Founds the small company that a fresh sandbox starts with, and finds people by their ids."""

from __future__ import annotations

import secrets

from bot.sandbox.state import Sandbox

MEMBERS = [
    ("LinXiaoyu", "林晓雨", "课程顾问", 2, 2),
    ("ChenGuoan", "陈国安", "课程顾问", 2, 1),
    ("ZhouMin", "周敏", "教务老师", 3, 2),
    ("WuTong", "吴桐", "顾问主管", 2, 1),
]
CUSTOMERS = [
    ("wmSEEDcustomer0000000000000000A1", "王海棠", 2, "LinXiaoyu", "channel_lesson0"),
    ("wmSEEDcustomer0000000000000000B2", "李建国", 1, "LinXiaoyu", "store_east_01"),
    ("wmSEEDcustomer0000000000000000C3", "赵一鸣", 1, "ChenGuoan", ""),
]
DEPARTMENTS = [(1, 0, 1, "示例教育"), (2, 1, 1, "课程顾问部"), (3, 1, 2, "教务服务部")]
LEADER, LED = "WuTong", ("LinXiaoyu", "ChenGuoan")
YESTERDAY = 86_400


def seed(sandbox: Sandbox) -> None:
    """People the sandbox knows from its first start; a sandbox that has members is left alone."""
    ledger = sandbox.ledger
    found_departments(sandbox)
    with ledger.transaction():
        if ledger.one("SELECT 1 FROM members"):
            return
        ledger.run_many(
            "INSERT INTO members (userid, name, position, department, gender) VALUES (?, ?, ?, ?, ?)", MEMBERS
        )
        ledger.run("INSERT OR IGNORE INTO member_details (userid, leads) VALUES (?, '[2]')", LEADER)
        ledger.run_many(
            "INSERT OR IGNORE INTO member_details (userid, leaders) VALUES (?, ?)",
            [(userid, f'["{LEADER}"]') for userid in LED],
        )
        for external_userid, name, gender, userid, state in CUSTOMERS:
            meet(sandbox, external_userid, name, gender=gender)
            befriend(sandbox, userid, external_userid, state=state, at=int(sandbox.now()) - YESTERDAY)


def found_departments(sandbox: Sandbox) -> None:
    """The departments that every company here has."""
    sandbox.ledger.run_many("INSERT OR IGNORE INTO departments VALUES (?, ?, ?, ?)", DEPARTMENTS)


def meet(sandbox: Sandbox, external_userid: str, name: str, kind: int = 1, gender: int = 0, corp: str = "") -> None:
    """Make a customer known unless he is; `kind` 1 uses WeChat, 2 another corp's WeCom."""
    unionid = "o" + secrets.token_hex(14)[:27] if kind == 1 else ""
    sandbox.ledger.run(
        "INSERT OR IGNORE INTO customers (external_userid, name, type, gender, unionid, corp_name)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        external_userid,
        name,
        kind,
        gender,
        unionid,
        corp,
    )


def befriend(
    sandbox: Sandbox, userid: str, external_userid: str, state: str = "", add_way: int = 1, at: int | None = None
) -> bool:
    """Let a member follow a customer; False if that was so already. A customer who had left comes back."""
    ledger = sandbox.ledger
    created = int(sandbox.now()) if at is None else at
    back = ledger.run(
        "UPDATE follows SET blocked = 0, createtime = ? WHERE userid = ? AND external_userid = ? AND blocked",
        created,
        userid,
        external_userid,
    )
    name = ledger.scalar("SELECT name FROM customers WHERE external_userid = ?", external_userid)
    return bool(back) or bool(
        ledger.run(
            "INSERT OR IGNORE INTO follows (userid, external_userid, remark, createtime, add_way, oper_userid, state,"
            " agree_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            userid,
            external_userid,
            name or "",
            created,
            add_way,
            external_userid if add_way == 1 else userid,
            state,
            created,
        )
    )


def is_outsider(sandbox: Sandbox, who: str) -> bool:
    """Members come first, since a userid may begin with wm or wo."""
    if sandbox.ledger.one("SELECT 1 FROM members WHERE userid = ?", who):
        return False
    return who.startswith(("wm", "wo"))


def new_customer_id(kind: int) -> str:
    return ("wm" if kind == 1 else "wo") + secrets.token_hex(15)


def name_of(sandbox: Sandbox, who: str) -> str:
    return str(
        sandbox.ledger.scalar("SELECT name FROM members WHERE userid = ?", who)
        or sandbox.ledger.scalar("SELECT name FROM customers WHERE external_userid = ?", who)
        or who
    )
