"""When each step is due: wishes, shifts, caps and variants."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.planning import choose_variant, plan_steps
from sop.playbook import Sop
from sop.rates import parse_rate
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace

SHANGHAI = "Asia/Shanghai"


def sop(*steps: dict[str, Any], cap: str = "9/day") -> Sop:
    return Sop.model_validate({"id": "s", "on": "@added", "cap": cap, "steps": [{"say": "好", **s} for s in steps]})


def workspace(
    workdays: str = "china", zone: str = SHANGHAI, hours: str = "09:00-21:00", quiet: str | None = None
) -> Workspace:
    return Workspace.model_validate(
        {"workdays": workdays, "timezone": zone, "work_hours": hours, "quiet_hours": quiet}
    )


def local(text: str, zone: str = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def due(ours: Sop, enrolled: str, where: Workspace | None = None, zone: str = SHANGHAI) -> list[str]:
    planned = plan_steps(ours, local(enrolled, zone), where or workspace(), "wm1")
    return [step.due_at.astimezone(ZoneInfo(zone)).isoformat()[:16] for step in planned]


@pytest.mark.parametrize(
    ("enrolled", "after", "at", "expected"),
    [
        pytest.param("2026-03-03T15:00", "0m", None, "2026-03-03T15:00", id="at once"),
        pytest.param("2026-03-03T15:00", "90m", None, "2026-03-03T16:30", id="minutes later"),
        pytest.param("2026-03-03T15:00", "1d", None, "2026-03-04T15:00", id="a day later, same time"),
        pytest.param("2026-03-03T15:00", "1d", "10:00", "2026-03-04T10:00", id="tomorrow at ten"),
        pytest.param("2026-03-03T08:00", "1d", "10:00", "2026-03-04T10:00", id="tomorrow at ten, for the early"),
        pytest.param("2026-03-03T15:00", "0d", "10:00", "2026-03-04T10:00", id="ten is past today"),
        pytest.param("2026-03-03T09:30", "0d", "10:00", "2026-03-03T10:00", id="ten is still to come"),
        pytest.param("2026-03-03T10:00", "0d", "10:00", "2026-03-03T10:00", id="it is ten"),
        pytest.param("2026-03-03T09:30", "2h", "10:00", "2026-03-04T10:00", id="two hours are not over at ten"),
        pytest.param("2026-03-03T09:30", "2h", "14:00", "2026-03-03T14:00", id="but at two"),
        pytest.param("2026-03-03T23:00", "2h", "10:00", "2026-03-04T10:00", id="hours over midnight"),
        pytest.param("2026-01-31T15:00", "1d", "10:00", "2026-02-01T10:00", id="a month's end, on a plain Sunday"),
        pytest.param("2026-12-31T15:00", "1d", "10:00", "2027-01-01T10:00", id="a year's end"),
        pytest.param("2028-02-28T15:00", "1d", "10:00", "2028-02-29T10:00", id="a leap day"),
        pytest.param("2026-03-03T15:00", "1w", "10:00", "2026-03-10T10:00", id="a week"),
    ],
)
def test_a_step_is_due_when_it_says(enrolled: str, after: str, at: str | None, expected: str) -> None:
    step = {"after": after, **({"at": at} if at else {})}
    assert due(sop(step), enrolled, workspace("everyday")) == [expected]


@pytest.mark.parametrize(
    ("enrolled", "step", "expected", "reasons"),
    [
        pytest.param("2026-03-03T22:30", {"after": "0m"}, "2026-03-04T09:00", ["非工作时间"], id="by night"),
        pytest.param("2026-03-03T22:30", {"after": "0m", "anytime": True}, "2026-03-03T22:30", [], id="anytime"),
        pytest.param(
            "2026-02-13T15:00", {"after": "1d", "at": "10:00"}, "2026-02-14T10:00", [], id="a make-up Saturday"
        ),
        pytest.param(
            "2026-02-14T15:00",
            {"after": "1d", "at": "10:00"},
            "2026-02-24T10:00",
            ["假期顺延（春节）"],
            id="Spring Festival keeps the hour",
        ),
        pytest.param(
            "2026-02-14T15:00",
            {"after": "1d"},
            "2026-02-24T09:00",
            ["假期顺延（春节）"],
            id="Spring Festival without an hour: first thing",
        ),
        pytest.param(
            "2026-03-06T15:00", {"after": "1d", "at": "10:00"}, "2026-03-09T10:00", ["周末顺延"], id="a weekend"
        ),
        pytest.param(
            "2026-03-05T15:00", {"after": "1d", "at": "08:00"}, "2026-03-06T09:00", ["非工作时间"], id="too early"
        ),
    ],
)
def test_a_step_goes_to_the_next_lawful_slot(
    enrolled: str, step: dict[str, Any], expected: str, reasons: list[str]
) -> None:
    planned = plan_steps(sop(step), local(enrolled), workspace(), "wm1")[0]
    assert planned.due_at == local(expected)
    assert [shift.reason for shift in planned.shifts] == reasons
    if planned.shifts:
        assert planned.shifts[0].from_ == planned.wished_at
        assert planned.shifts[-1].to == planned.due_at


@pytest.mark.parametrize(
    ("cap", "afters", "expected"),
    [
        pytest.param("1/day", ["0m", "2h", "4h"], ["03T15:00", "04T09:00", "05T09:00"], id="one a day"),
        pytest.param("2/day", ["0m", "2h", "4h"], ["03T15:00", "03T17:00", "04T09:00"], id="two a day"),
        pytest.param("1/week", ["0m", "1d", "2d"], ["03T15:00", "09T09:00", "16T09:00"], id="one a week"),
        pytest.param("9/day", ["0m", "2h", "4h"], ["03T15:00", "03T17:00", "03T19:00"], id="room enough"),
    ],
)
def test_the_cap_keeps_steps_apart(cap: str, afters: list[str], expected: list[str]) -> None:
    ours = sop(*({"after": after} for after in afters), cap=cap)
    assert due(ours, "2026-03-03T15:00") == [f"2026-03-{day}" for day in expected]


def test_a_cap_names_itself_and_keeps_the_hour() -> None:
    ours = sop({"after": "0m"}, {"after": "2h", "at": "19:30"}, cap="1/day")
    second = plan_steps(ours, local("2026-03-03T15:00"), workspace(), "wm1")[1]
    assert second.due_at == local("2026-03-04T19:30")
    assert [shift.reason for shift in second.shifts] == ["超出频次（1/day）"]


def test_an_anytime_step_that_waits_for_its_cap_waits_for_the_morning_too() -> None:
    ours = sop({"after": "0m", "anytime": True}, {"after": "10m", "anytime": True}, cap="1/day")
    assert due(ours, "2026-03-03T22:00") == ["2026-03-03T22:00", "2026-03-04T09:00"]


def test_an_anytime_step_waits_for_the_end_of_quiet_hours() -> None:
    ours = sop({"after": "0m", "anytime": True})
    where = workspace(quiet="22:00-08:00")
    assert due(ours, "2026-03-03T21:30", where) == ["2026-03-03T21:30"]
    assert due(ours, "2026-03-03T23:30", where) == ["2026-03-04T08:00"]
    planned = plan_steps(ours, local("2026-03-03T23:30"), where, "wm1")[0]
    assert [shift.reason for shift in planned.shifts] == ["免打扰时段"]


def test_the_steps_after_a_shifted_one_stay_behind_it() -> None:
    ours = sop({"after": "1d"}, {"after": "2d", "at": "08:30"}, {"after": "3d", "at": "20:00"})
    assert due(ours, "2026-02-14T15:00") == ["2026-02-24T09:00", "2026-02-24T09:00", "2026-02-24T20:00"]


def test_the_story_of_the_price() -> None:
    ours = sop(
        {"after": "0m", "anytime": True}, {"after": "1d", "at": "10:00"}, {"after": "3d", "at": "19:30"}, cap="1/day"
    )
    assert due(ours, "2026-03-06T20:59") == ["2026-03-06T20:59", "2026-03-09T10:00", "2026-03-10T19:30"]
    assert due(ours, "2026-03-06T20:59", workspace("festivals"))[1:] == ["2026-03-07T10:00", "2026-03-09T19:30"]


def test_the_same_stage_joined_three_times() -> None:
    ours = sop({"after": "0m"}, {"after": "1d", "at": "10:00", "say": ["甲", "乙", "丙"]})
    plans = [plan_steps(ours, local(f"2026-03-0{day}T15:00"), workspace(), "wm1") for day in (3, 4, 5)]
    assert [plan[0].due_at for plan in plans] == [local(f"2026-03-0{day}T15:00") for day in (3, 4, 5)]
    assert len({plan[1].text for plan in plans}) == 1
    assert plans[0] == plan_steps(ours, local("2026-03-03T15:00"), workspace(), "wm1")


@pytest.mark.parametrize(
    ("zone", "enrolled", "after", "at", "expected"),
    [
        pytest.param("America/New_York", "2026-03-07T10:00", "1d", "10:00", "2026-03-08T10:00", id="spring forward"),
        pytest.param("America/New_York", "2026-10-31T10:00", "1d", None, "2026-11-01T10:00", id="fall back"),
        pytest.param("America/New_York", "2026-03-07T10:00", "1d", "02:30", "2026-03-08T03:30", id="in the gap"),
        pytest.param("Europe/Berlin", "2026-03-28T22:00", "12h", None, "2026-03-29T11:00", id="hours are hours"),
    ],
)
def test_zones_that_change_their_clocks(zone: str, enrolled: str, after: str, at: str | None, expected: str) -> None:
    step = {"after": after, **({"at": at} if at else {})}
    assert due(sop(step), enrolled, workspace("everyday", zone, "00:00-00:00"), zone) == [expected]


def test_variants_are_steady_and_shared_out_evenly() -> None:
    chosen = Counter(choose_variant("s", 1, f"wm{n}", 3) for n in range(3000))
    assert sorted(chosen) == [0, 1, 2]
    assert min(chosen.values()) > 900
    assert {choose_variant("s", 0, "wm1", 1)} == {0}
    one_customer = {choose_variant("s", index, "wm1", 5) for index in range(40)}
    assert len(one_customer) == 5


def test_a_plan_carries_what_follows_its_answer() -> None:
    step = {"reply_window": "6h", "on_reply": "已回复", "on_silence": "未回复", "valid_for": "2d"}
    planned = plan_steps(sop(step), local("2026-03-03T15:00"), workspace(), "wm1")[0]
    assert (planned.reply_window, planned.on_reply, planned.on_silence) == (timedelta(hours=6), "已回复", "未回复")
    assert planned.expires_at == planned.due_at + timedelta(days=2)


STEPS = st.fixed_dictionaries(
    {"after": st.sampled_from(["0m", "7m", "3h", "1d", "2d", "5d", "2w"])},
    optional={"at": st.sampled_from(["00:00", "02:30", "10:00", "20:59", "23:59"]), "anytime": st.booleans()},
)


@given(
    steps=st.lists(STEPS, min_size=1, max_size=6),
    cap=st.sampled_from(["1/day", "2/day", "1/week"]),
    enrolled=st.datetimes(datetime(2025, 12, 1), datetime(2026, 12, 1), timezones=st.just(UTC)),
    zone=st.sampled_from([SHANGHAI, "America/New_York", "Australia/Lord_Howe"]),
    hours=st.sampled_from(["09:00-21:00", "22:00-06:00", "00:00-00:00"]),
    workdays=st.sampled_from(["china", "festivals", "mon-fri", "everyday"]),
    quiet=st.sampled_from([None, "12:00-14:00", "23:30-05:30"]),
)
def test_plans_are_lawful_ordered_and_capped(
    steps: list[dict[str, Any]],
    cap: str,
    enrolled: datetime,
    zone: str,
    hours: str,
    workdays: str,
    quiet: str | None,
) -> None:
    ours, where = sop(*steps, cap=cap), workspace(workdays, zone, hours, quiet)
    calendar = Workcalendar(where)
    planned = plan_steps(ours, enrolled, where, "wm1")
    assert [step.index for step in planned] == list(range(len(steps)))
    dues = [step.due_at for step in planned]
    assert dues == sorted(dues)
    assert all(at >= enrolled for at in dues)
    for template, step in zip(ours.steps, planned, strict=True):
        assert calendar.quiet_shifts(step.due_at) == ()
        assert calendar.shifts(step.due_at) == () or template.anytime
        assert [shift.from_ for shift in step.shifts] == [step.wished_at, *(s.to for s in step.shifts)][:-1]
    days = [calendar.local(at).date() for at in dues]
    rate = parse_rate(cap)
    assert max(Counter(map(rate.period, days)).values()) <= rate.times


@pytest.mark.parametrize(
    ("enrolled", "step", "expected"),
    [
        pytest.param("2026-03-03T00:05", {"at": "10:00"}, "2026-03-03T10:00", id="in time"),
        pytest.param("2026-03-03T13:20", {"at": "10:00"}, "2026-03-03T13:20", id="its hour has passed, the day not"),
        pytest.param("2026-03-03T20:59", {"at": "10:00"}, "2026-03-03T20:59", id="the last minute of work"),
        pytest.param("2026-03-03T21:30", {"at": "10:00"}, "2026-03-04T09:00", id="nobody works any more"),
        pytest.param("2026-03-04T07:00", {"at": "10:00"}, "2026-03-04T09:00", id="made up for a day later"),
        pytest.param("2026-03-03T13:20", {}, "2026-03-03T13:20", id="no hour named"),
        pytest.param("2026-03-03T00:05", {}, "2026-03-03T09:00", id="no hour named, in time"),
        pytest.param("2026-03-03T13:20", {"after": "1d", "at": "10:00"}, "2026-03-04T10:00", id="the day after"),
        pytest.param("2026-03-03T13:20", {"after": "1d"}, "2026-03-04T09:00", id="the day after, no hour named"),
        pytest.param("2026-03-03T13:20", {"after": "2h"}, "2026-03-03T13:20", id="hours count from opening"),
        pytest.param("2026-03-03T09:05", {"after": "2h"}, "2026-03-03T11:00", id="hours to come"),
        pytest.param("2026-03-03T08:10", {"at": "08:00", "anytime": True}, "2026-03-03T09:00", id="before opening"),
        pytest.param("2026-03-03T07:10", {"at": "08:00", "anytime": True}, "2026-03-03T08:00", id="an early wish"),
    ],
)
def test_what_a_day_starts_is_planned_from_that_day(enrolled: str, step: dict[str, Any], expected: str) -> None:
    planned = plan_steps(sop(step), local(enrolled), workspace(), "wm1", day=date(2026, 3, 3))[0]
    assert planned.due_at.astimezone(ZoneInfo(SHANGHAI)).isoformat()[:16] == expected


def test_a_day_off_moves_what_it_started_to_the_next_working_day() -> None:
    planned = plan_steps(sop({"at": "10:00"}), local("2026-03-07T13:20"), workspace(), "wm1", day=date(2026, 3, 7))
    assert [step.due_at for step in planned] == [local("2026-03-09T10:00")]


def test_a_missed_hour_says_so_and_the_order_of_steps_stays() -> None:
    ours = sop({"at": "10:00"}, {"at": "11:00"}, {"after": "1d", "at": "10:00"})
    planned = plan_steps(ours, local("2026-03-03T13:20"), workspace(), "wm1", day=date(2026, 3, 3))
    assert [step.due_at for step in planned] == [
        local("2026-03-03T13:20"), local("2026-03-03T13:20"), local("2026-03-04T10:00")]  # fmt: skip
    assert [shift.reason for shift in planned[0].shifts] == ["这一天的钟点已过"]
