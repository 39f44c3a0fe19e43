"""A customer's coming days: several SOPs, one budget, every shift told."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from sop.planning import plan_steps
from sop.playbook import Sop
from sop.preview import PreviewedCustomer, RunningSop, by_day, preview
from sop.rates import parse_rate
from sop.workcalendar import Workcalendar
from sop.workspace import Budget, Workspace

CHINA = Workspace.model_validate({"workdays": "china"})
ONE_A_DAY = Budget(customer="1/day")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def sop(id: str, *afters: str, **keys: Any) -> Sop:
    steps = [{"after": after, "at": "10:00", "say": "{customer.name|您}好"} for after in afters]
    return Sop.model_validate({"id": id, "on": "@added", "steps": steps, **keys})


def shown(courses: list[RunningSop], now: str, budget: Budget = ONE_A_DAY, **keys: Any) -> list[str]:
    zone = ZoneInfo("Asia/Shanghai")
    customer = PreviewedCustomer("wm1", contacts=keys.pop("contacts", ()))
    found = preview(courses, CHINA, budget, customer, at(now), **keys)
    return [f"{prompt.at.astimezone(zone):%m-%dT%H:%M} {prompt.sop_id}{prompt.step}" for prompt in found]


def test_one_course_is_its_plan() -> None:
    ours = sop("a", "1d", "3d")
    planned = plan_steps(ours, at("03-03T15:00"), CHINA, "wm1")
    found = preview(
        [RunningSop(ours, at("03-03T15:00"))], CHINA, ONE_A_DAY, PreviewedCustomer("wm1"), at("03-03T15:00")
    )
    assert [(prompt.at, prompt.shifts) for prompt in found] == [(step.due_at, step.shifts) for step in planned]


def test_two_courses_share_a_budget_and_the_important_one_goes_first() -> None:
    courses = [
        RunningSop(sop("a", "1d", "2d"), at("03-03T15:00")),
        RunningSop(sop("b", "1d", priority=9), at("03-03T15:00")),
    ]
    assert shown(courses, "03-03T15:00") == ["03-04T10:00 b0", "03-05T10:00 a0", "03-06T10:00 a1"]
    assert shown(courses, "03-03T15:00", Budget(customer="2/day")) == [
        "03-04T10:00 b0",
        "03-04T10:00 a0",
        "03-05T10:00 a1",
    ]


def test_what_reached_him_lately_counts() -> None:
    courses = [RunningSop(sop("a", "0d"), at("03-03T09:00"))]
    assert shown(courses, "03-03T09:00", contacts=[at("03-03T08:30")]) == ["03-04T10:00 a0"]


def test_steps_behind_him_are_left_out() -> None:
    courses = [RunningSop(sop("a", "1d", "2d", "3d"), at("03-02T15:00"), done=2)]
    assert shown(courses, "03-04T12:00") == ["03-05T10:00 a2"]
    assert shown([RunningSop(sop("a", "1d", "2d"), at("03-02T15:00"))], "03-03T12:00") == ["03-04T10:00 a1"]


def test_the_month_ends() -> None:
    courses = [RunningSop(sop("a", "1d", "4w", "5w"), at("03-03T15:00"))]
    assert shown(courses, "03-03T15:00") == ["03-04T10:00 a0", "03-31T10:00 a1"]
    assert len(shown(courses, "03-03T15:00", days=60)) == 3


def test_spring_festival_is_told_hop_by_hop() -> None:
    courses = [RunningSop(sop("a", "1d"), at("02-14T15:00")), RunningSop(sop("b", "2d"), at("02-14T15:00"))]
    customer = PreviewedCustomer("wm1", values={"customer.name": "王芳"})
    found = preview(courses, CHINA, ONE_A_DAY, customer, at("02-14T15:00"))
    assert [[shift.reason for shift in prompt.shifts] for prompt in found] == [
        ["假期顺延（春节）"],
        ["假期顺延（春节）", "超出频次（每天最多 1 次）"],
    ]
    assert {prompt.text for prompt in found} == {"王芳好"}
    days = by_day(found, CHINA)
    assert [(day.isoformat(), len(prompts)) for day, prompts in days.items()] == [
        ("2026-02-24", 1),
        ("2026-02-25", 1),
    ]


COURSES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["0d", "1d", "2d", "5d"]), min_size=1, max_size=4).map(sorted),
        st.integers(0, 200),
        st.integers(1, 9),
        st.sampled_from(["1/day", "2/day", "1/week"]),
    ),
    max_size=4,
)


@given(tables=COURSES, budget=st.sampled_from(["1/day", "2/day", "3/week"]), start=st.integers(0, 8000))
def test_every_step_comes_once_in_order_lawful_and_within_all_caps(
    tables: list[tuple[list[str], int, int, str]], budget: str, start: int
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=start)
    courses = [
        RunningSop(sop(f"s{n}", *afters, priority=priority, cap=cap), now + timedelta(hours=hours))
        for n, (afters, hours, priority, cap) in enumerate(tables)
    ]
    calendar = Workcalendar(CHINA)
    found = preview(courses, CHINA, Budget(customer=budget), PreviewedCustomer("wm1"), now, days=400)
    assert sorted((p.sop_id, p.step) for p in found) == sorted(
        (c.sop.id, i) for c in courses for i in range(len(c.sop.steps))
    )
    assert all(calendar.shifts(prompt.at) == () for prompt in found)
    own = [(c.sop.cap, [p for p in found if p.sop_id == c.sop.id]) for c in courses]
    assert all([p.step for p in prompts] == sorted(p.step for p in prompts) for _, prompts in own)
    for cap, prompts in [(budget, list(found)), *own]:
        rate = parse_rate(cap)
        taken = Counter(rate.period(calendar.local(prompt.at).date()) for prompt in prompts)
        assert all(times <= rate.times for times in taken.values())
    for prompt in found:
        assert [shift.from_ for shift in prompt.shifts] == [prompt.wished_at, *(s.to for s in prompt.shifts)][:-1]
