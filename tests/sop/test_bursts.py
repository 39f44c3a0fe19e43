"""Steps on days of their own, and bursts that are spread."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sop.planning import plan_steps
from sop.playbook import Sop
from sop.workspace import Workspace

WORK = Workspace.model_validate({"workdays": "everyday"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def on_dates(*steps: dict[str, object]) -> Sop:
    return Sop.model_validate(
        {"id": "s", "on": "@added", "cap": "9/day", "steps": [{"say": "好", **step} for step in steps]}
    )


def test_a_step_may_have_a_day_of_its_own() -> None:
    sop = on_dates(
        {"after": "1d", "at": "10:00"}, {"on_date": "2026-06-10", "at": "19:30"}, {"on_date": "2026-06-12"}
    )
    planned = plan_steps(sop, at("2026-06-01 15:00"), WORK, "wm1")
    assert [step.due_at for step in planned] == [
        at("2026-06-02 10:00"),
        at("2026-06-10 19:30"),
        at("2026-06-12 09:00"),
    ]


def test_who_comes_after_the_day_does_not_get_the_step() -> None:
    sop = on_dates({"on_date": "2026-06-10", "at": "10:00"}, {"on_date": "2026-06-11", "at": "10:00"})
    planned = plan_steps(sop, at("2026-06-10 10:01"), WORK, "wm1")
    assert [(step.index, step.due_at) for step in planned] == [(1, at("2026-06-11 10:00"))]


def spread_over(key: str, clock: str = "10:00", minutes: int = 30) -> datetime:
    (step,) = plan_steps(
        on_dates({"after": "1d", "at": clock}), at("2026-06-01 09:00"), WORK, key, spread=timedelta(minutes=minutes)
    )
    return step.due_at


def test_a_burst_is_spread_and_never_before_its_time() -> None:
    due = [spread_over(f"wm{n}") for n in range(200)]
    assert min(due) >= at("2026-06-02 10:00")
    assert max(due) < at("2026-06-02 10:30")
    quarters = [sum(one < at("2026-06-02 10:00") + timedelta(minutes=15) for one in due), len(due)]
    assert 70 <= quarters[0] <= 130
    assert due[:5] == [spread_over(f"wm{n}") for n in range(5)]


def test_a_burst_stays_in_the_day_it_is_lawful_in() -> None:
    late = [spread_over(f"wm{n}", "20:50", 60) for n in range(100)]
    assert all(at("2026-06-02 20:50") <= one < at("2026-06-02 21:00") for one in late)
    assert len(set(late)) > 20


def test_what_follows_the_customers_own_moment_is_not_spread() -> None:
    sop = on_dates({"after": "30m"}, {"after": "2h", "anytime": True})
    planned = plan_steps(sop, at("2026-06-01 10:00"), WORK, "wm1", spread=timedelta(hours=1))
    assert [step.due_at for step in planned] == [at("2026-06-01 10:30"), at("2026-06-01 12:00")]
