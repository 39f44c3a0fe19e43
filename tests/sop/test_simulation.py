"""The imagined month: it repeats, it is quick, nothing breaks; and the inspector would see if something did."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sop.findings import Inspector, SimulationReport
from sop.lives import BoardPosition, SimulatedCustomer, SimulatedEnrolment, SimulatedPrompt
from sop.pipeline import Pipeline
from sop.planning import plan_steps
from sop.playbook import Sop
from sop.population import Habits, Scenario
from sop.simulation import simulate
from sop.virtual import Company
from sop.workcalendar import Workcalendar
from sop.workspace import Budget, Overdue, Workspace

START = datetime(2026, 4, 27, tzinfo=UTC)  # the Labour Day holidays lie in the month
PIPELINE = Pipeline.model_validate(
    {
        "name": "转化",
        "hold": "12h",
        "stages": [
            {"name": "新线索", "on": ["@added"]},
            {"name": "考虑价格", "aside": True},
            {"name": "成交", "on": ["已付款"], "won": True},
            {"name": "沉睡", "on": [], "asleep": True},
            {"name": "流失", "on": ["@lost"], "lost": True},
        ],
        "moves": [{"from": "考虑价格", "to": "沉睡", "after": "4d"}, {"from": "沉睡", "to": "流失", "after": "9d"}],
    }
)


def sop(id: str, *steps: dict[str, Any], **table: Any) -> Sop:
    return Sop.model_validate({"id": id, "steps": [{"say": "好", **step} for step in steps], **table})


COMPANY = Company(
    (PIPELINE,),
    (
        sop("new", {"after": "10m"}, {"after": "1d", "at": "10:00"}, {"after": "2d", "at": "10:00"}, on="@added"),
        sop("price", {"anytime": True}, {"after": "1d", "at": "10:00"}, stage="考虑价格", priority=8),
        sop("monday", {"at": "10:00"}, on="every:mon", audience={"stages": ["新线索"]}, again="14d"),
        sop("birthday", {"at": "10:00"}, on="date:birthday"),
        sop("care", {"anytime": True}, on="tag:投诉", stop=["left"], cap="2/day", priority=9),
        sop("quiet", {"at": "15:00"}, on="silence:2d", again="7d"),
        sop("again", {"after": "1d"}, on="no-reply:new/1"),
    ),
    Workspace.model_validate({"workdays": "china", "quiet_hours": "22:00-08:00"}),
    Budget.model_validate({"customer": "1/day"}),
    Overdue.model_validate({"leader_after": "8h"}),
)


def run(company: Company = COMPANY, customers: int = 600, **given: Any) -> SimulationReport:
    return simulate(company, START, Scenario(customers=customers, agents=6, **given))


def test_nothing_breaks_in_a_month_and_everything_happens() -> None:
    found = run()
    assert (found.broken, found.examples) == (0, [])
    busy = ("words", "moves", "stopped", "cards", "lists", "morning_lists", "followed", "answered", "late_steps")
    assert [name for name in (*busy, "reminders", "leaders_told", "dropped") if not getattr(found, name)] == []
    assert set(found.waits) >= {"刚提醒过这位员工", "超出频次", "员工正在和客户聊", "非工作时间"}
    assert 0 < found.disturbances_a_day.p95 <= found.prompts_a_day.p95 <= found.prompts_a_day.most


def test_a_month_repeats_to_the_last_count() -> None:
    assert run(customers=120).as_object() == run(customers=120).as_object()
    assert run(customers=120).as_object() != run(customers=120, seed="another").as_object()


def test_progress_is_told_day_by_day() -> None:
    days: list[int] = []
    simulate(COMPANY, START, Scenario(customers=10, agents=6, days=5), days.append)
    assert days == [1, 2, 3, 4, 5]


def test_agents_who_do_nothing_get_reminders_and_customers_no_answers() -> None:
    found = run(customers=120, habits=replace(Habits(), follow=0.0, chat=0.0))
    assert (found.followed, found.answered) == (0, 0)
    assert found.reminders > found.prompts / 2


def test_a_burst_that_is_spread_still_breaks_nothing() -> None:
    budget = COMPANY.budget.model_copy(update={"spread": timedelta(minutes=90)})
    assert run(replace(COMPANY, budget=budget), customers=200).broken == 0


CALENDAR = Workcalendar(COMPANY.workspace)
SOP = sop("s", {"after": "1d"}, {"after": "2d"}, {"anytime": True, "after": "3d"}, on="@added", cap="1/day")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-05-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def scene() -> tuple[SimulationReport, Inspector, SimulatedCustomer, SimulatedEnrolment]:
    findings = SimulationReport()
    who = SimulatedCustomer(1, 0, at("11T10:00"), [])
    steps = {step.index: step for step in plan_steps(SOP, at("11T10:00"), COMPANY.workspace, "wm1")}
    enrolment = SimulatedEnrolment(SOP, at("11T10:00"), steps, {})
    who.enrolments.append(enrolment)
    return findings, Inspector(findings, CALENDAR, COMPANY.budget), who, enrolment


@pytest.mark.parametrize(
    ("when", "before", "says"),
    [
        pytest.param("12T10:00", {}, None, id="as it should be"),
        pytest.param("12T10:00", {"ended": True}, "停止之后", id="after a stop"),
        pytest.param("12T10:00", {"peace": True}, "停止之后", id="after they asked for peace"),
        pytest.param("12T10:00", {"cards": {0: "11T11:00"}}, "提醒了两次", id="twice"),
        pytest.param("12T21:30", {}, "不该打扰", id="at night"),
        pytest.param("16T10:00", {}, "不该打扰", id="on a Saturday"),
        pytest.param("11T09:59", {}, "不在有效期", id="before they came"),
        pytest.param("15T10:00", {}, "不在有效期", id="when nobody needs it"),
        pytest.param("12T10:00", {"cards": {1: "12T09:30"}}, "频次 1/day", id="the second of the day"),
        pytest.param("12T10:00", {"words": ["12T09:30"]}, "超出客户的频次", id="the agent has written today"),
    ],
)
def test_the_inspector_sees_what_must_not_be(when: str, before: dict[str, Any], says: str | None) -> None:
    findings, inspector, who, enrolment = scene()
    enrolment.cards = {index: SimulatedPrompt(at(sent), False) for index, sent in before.get("cards", {}).items()}
    enrolment.ended_at = at("11T12:00") if "ended" in before else None
    who.peace_at = at("11T12:00") if "peace" in before else None
    who.our_words = [at(word) for word in before.get("words", [])]
    inspector.prompt(who, enrolment, 0, at(when))
    assert (findings.broken > 0, says is None or any(says in told for told in findings.examples)) == (
        says is not None,
        True,
    )


@pytest.mark.parametrize(
    ("ledger", "broken"),
    [
        ([("转化", None, "新线索"), ("转化", "新线索", "成交")], 0),
        ([("转化", None, "新线索"), ("转化", "沉睡", "成交")], 1),
        ([("转化", None, "新线索")], 1),
        ([], 1),
    ],
)
def test_the_inspector_replays_the_ledger(ledger: list[tuple[str, str | None, str]], broken: int) -> None:
    findings, inspector, who, _ = scene()
    who.boards, who.ledger = {"转化": BoardPosition("成交", at("11T10:00"))}, ledger
    inspector.life(who)
    assert findings.broken == broken


def test_the_inspector_sees_agents_disturbed_too_often() -> None:
    findings, inspector, _, _ = scene()
    for minute, apart in ((0, True), (29, False), (58, True)):
        inspector.sending(0, at("12T10:00") + timedelta(minutes=minute), 1, apart=apart)
    assert findings.broken == 1
    inspector.loads(2, at("12T10:00").date(), 1)
    assert (findings.prompts_a_day.most, findings.prompts_a_day.median) == (3, 0)
