"""Everything in WeCom is taken in once, goes on after an interruption, and is told in counts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.app import create_app
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.gateway.call_counts import totals
from bot.platform.models import Agent, Customer, Department, Follow, GroupChat, GroupMember, Placement, SopEnrolment
from bot.system import System, use_system
from bot.worker import jobs
from tests.support.mirrors import CONFIG, STAGES
from tests.support.parts import AGENT, COLLEAGUE, Town

HELLO = """
[[sops]]
id = "hello"
on = "@added"
  [[sops.steps]]
  after = "1d"
  say = "您好"
"""
A = "wmSEEDcustomer0000000000000000A1"


@pytest.fixture
def company(tmp_path: Path, system: System, sandbox: Town) -> System:
    """A company of 25 agents with 60 customers, a group, a library of its own."""
    (tmp_path / "config.toml").write_text(CONFIG + HELLO, encoding="utf-8")
    control = sandbox.control
    for n in range(21):
        control.member(f"Agent{n:02}", name=f"顾问{n}", departments=[3])
    for n in range(57):
        control.add_customer(f"Agent{n % 21:02}", f"客户{n}", state="store", welcome=False)
    control.edit_customer(AGENT, A, remark="王姐", description="喜欢拍花")
    control.post("rooms", {"owner": AGENT, "name": "云南五日", "members": [A, COLLEAGUE]})
    control.move_clock(3600)
    return system


def run(system: System, *options: str) -> dict[str, Any]:
    """`flask wecom import --json`."""
    result = create_app(system).test_cli_runner().invoke(args=["wecom", "import", "--json", *options])
    assert result.exit_code == 0, result.output
    outcome: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return outcome


def new(outcome: dict[str, Any]) -> dict[str, int]:
    return {kind: counts["new"] for kind, counts in outcome["counts"].items()}


def test_a_first_import_takes_in_everything_and_greets_nobody(company: System, sandbox: Town) -> None:
    outcome = run(company)
    assert outcome["agents"] == 25
    assert outcome["follows"] == 60
    assert new(outcome) == {"departments": 3, "agents": 25, "tags": 3, "customers": 60, "groups": 1}
    with company.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 60
        assert session.scalars(select(Placement.stage).distinct()).all() == [STAGES[0]]
        assert session.scalars(select(SopEnrolment)).all() == []
        leader = session.scalars(select(Agent).where(Agent.userid == "WuTong")).one()
        mine = session.scalars(select(Agent).where(Agent.userid == AGENT)).one()
        assert (leader.leads, mine.leaders, mine.name) == ([2], ["wutong"], "林晓雨")
        assert session.scalars(select(Department.name).order_by(Department.id)).all() == [
            "示例教育", "课程顾问部", "教务服务部",
        ]  # fmt: skip
        follow = session.scalars(select(Follow).join(Customer).where(Customer.external_userid == A)).one()
        assert (follow.remark, follow.description, follow.add_way) == ("王姐", "喜欢拍花", 1)
        assert follow.customer.avatar
        assert follow.customer.kind == 1
        room = session.scalars(select(GroupChat)).one()
        assert room.name == "云南五日"
        assert session.scalar(select(func.count()).select_from(GroupMember)) == 3
        assert any(api == "externalcontact/batch/get_by_user" for api, _, _ in totals(session))
    library = {group["group_name"]: {tag["name"] for tag in group["tag"]} for group in company.wecom.corp_tags()}
    assert library["意向"] == {"高意向", "低意向", "已约试听"}
    assert sandbox.control.effects(0, "welcome") == []


def test_a_second_import_finds_what_changed_only(company: System, sandbox: Town) -> None:
    run(company)
    nothing = {"new": 0, "changed": 0, "gone": 0}
    assert set(map(str, run(company)["counts"].values())) == {str(nothing)}
    sandbox.control.edit_customer(AGENT, A, remark="王太太")
    sandbox.control.member(COLLEAGUE, name="陈国安（夜班）", departments=[2, 3])
    sandbox.control.member("Agent00", status=5)
    sandbox.control.post("departments", {"id": 9, "name": "夜班"})
    room = company.wecom.post("externalcontact/groupchat/list", data={"limit": 10})["group_chat_list"][0]["chat_id"]
    sandbox.control.post("change-room", {"chat_id": room, "dismiss": True})
    counts = run(company)["counts"]
    assert counts["customers"] == {"new": 0, "changed": 1, "gone": 0}, "those of one who left wait for an heir"
    assert counts["agents"] == {"new": 0, "changed": 1, "gone": 1}
    assert counts["departments"] == {"new": 1, "changed": 0, "gone": 0}
    assert counts["groups"] == {"new": 0, "changed": 0, "gone": 1}


def test_userids_in_lower_case_are_the_same_people(company: System, sandbox: Town) -> None:
    run(company)
    sandbox.control.switches(lower_userids=True)
    assert new(run(company)) == {"departments": 0, "agents": 0, "tags": 0, "customers": 0, "groups": 0}
    with company.store.read() as session:
        assert session.scalars(select(Agent.userid).where(Agent.key == AGENT.casefold())).one() == AGENT


def test_an_interrupted_import_goes_on_where_it_stopped(company: System, sandbox: Town) -> None:
    def asked() -> list[str]:
        calls = [e for e in sandbox.control.effects(0, "api") if e["path"].endswith("batch/get_by_user")]
        return [call["body"]["userid_list"][0] for call in calls if not call["body"]["cursor"]]

    sandbox.control.fault("externalcontact/groupchat/list", times=1, errcode=48002)  # the first portion breaks off
    result = create_app(company).test_cli_runner().invoke(args=["wecom", "import", "--json"])
    assert result.exit_code == 1
    assert "接着导入" in result.stderr
    sandbox.control.move_clock(301)
    sandbox.control.fault("externalcontact/batch/get_by_user", times=1, errcode=-1)  # what passes is waited out
    outcome = run(company)
    assert outcome["follows"] == 60
    with company.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Follow)) == 60
    first = len(asked())
    with company.store.write() as session:
        from bot.platform.database.store import get_status, set_status

        done = get_status(session, "import")
        assert done is not None
        set_status(session, "import", {**done.value, "after": "agent19", "ended": False}, clock.now())
    assert run(company)["resumed"] is True
    assert asked()[first:] == ["Agent20"]
    assert run(company, "--full")["resumed"] is False
    assert len(asked()) > first + 2


def test_the_night_finds_staff_groups_and_customers_no_event_told_of(company: System, sandbox: Town) -> None:
    use_system(company)
    run(company)
    jobs.reconcile()
    sandbox.control.member("Agent00", status=5)
    sandbox.control.member("Neu", name="新人", departments=[2])
    who = sandbox.control.add_customer("Neu", "新客户", welcome=False)["external_userid"]
    sandbox.control.post("rooms", {"owner": "Neu", "name": "二群", "members": [who]})
    now = clock.now().astimezone(company.settings.zone)
    noon = (now + timedelta(days=2)).replace(hour=12)  # whatever hour it is, the night's comparison is due
    sandbox.control.move_clock(int((noon - now).total_seconds()))
    jobs.reconcile()
    with company.store.read() as session:
        assert session.scalars(select(Agent.left_at).where(Agent.userid == "Agent00")).one() is not None
        assert session.scalars(select(Agent.name).where(Agent.userid == "Neu")).one() == "新人"
        assert session.scalars(select(Customer).where(Customer.external_userid == who)).one().name == "新客户"
        assert "二群" in session.scalars(select(GroupChat.name)).all()
        assert session.scalars(select(SopEnrolment)).all() == [], "they came a day ago"
    compared = [line.value for line in system_status(company, clock.now()) if line.what == "核对企业微信"]
    assert compared
    assert "不同" in compared[0]
