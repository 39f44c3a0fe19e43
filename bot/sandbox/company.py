"""Creates the small company of a new sandbox, its customers and follow relations; finds people by id."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

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
    """Create the first people; a sandbox that has members is left as it is."""
    ledger = sandbox.ledger
    add_departments(sandbox)
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
            add_person(sandbox, NewCustomer(external_userid, name, gender=gender))
            add_follow(sandbox, userid, external_userid, Origin(state, at=int(sandbox.now()) - YESTERDAY))


def add_departments(sandbox: Sandbox) -> None:
    """Create the departments that every sandbox has."""
    sandbox.ledger.run_many("INSERT OR IGNORE INTO departments VALUES (?, ?, ?, ?)", DEPARTMENTS)


@dataclass(frozen=True)
class NewCustomer:
    """A customer to create. kind: 1 uses WeChat, 2 another corp's WeCom."""

    external_userid: str
    name: str
    kind: int = 1
    gender: int = 0
    corp_name: str = ""


@dataclass(frozen=True)
class Origin:
    """How a member got a customer. at: when, in seconds since 1970; None: now."""

    state: str = ""
    add_way: int = 1
    at: int | None = None


NOW = Origin()


def add_person(sandbox: Sandbox, customer: NewCustomer) -> None:
    """Create a customer, unless there is one of this external_userid."""
    unionid = "o" + secrets.token_hex(14)[:27] if customer.kind == 1 else ""
    sandbox.ledger.run(
        "INSERT OR IGNORE INTO customers (external_userid, name, type, gender, unionid, corp_name)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        customer.external_userid,
        customer.name,
        customer.kind,
        customer.gender,
        unionid,
        customer.corp_name,
    )


def add_follow(sandbox: Sandbox, userid: str, external_userid: str, origin: Origin = NOW) -> bool:
    """Have a member follow a customer; False if they do already. A customer who had left comes back."""
    ledger = sandbox.ledger
    created = int(sandbox.now()) if origin.at is None else origin.at
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
            origin.add_way,
            external_userid if origin.add_way == 1 else userid,
            origin.state,
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
