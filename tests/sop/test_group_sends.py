"""Mass messages: which steps go that way, when they leave, when is asked and reminded; and proof by attachments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sop.group_sends import (
    channel_of,
    check_group_sends,
    month_start,
    monthly_cap,
    next_poll,
    next_reminder,
    personal_steps,
    wait_for_more,
)
from sop.playbook import Sop
from sop.workcalendar import Workcalendar
from sop.workspace import Overdue, Workspace

T0 = datetime(2026, 3, 3, 2, 10, tzinfo=UTC)  # 10:10 in Shanghai
CALENDAR = Workcalendar(Workspace(workdays="everyday"))


def sop(**step: Any) -> Sop:
    return Sop.model_validate({"id": "s", "on": "@added", "channel": "group-send", "steps": [{"say": "好"} | step]})


@pytest.mark.parametrize(
    ("wording", "channel"),
    [
        ("各位好", "group-send"),
        ("{company}的{agent.name}祝您节日快乐", "group-send"),
        ("{customer.name|您}好", "card"),
        ("{ customer.birthday }到了", "card"),
        ("说说 customer.name", "group-send"),
    ],
)
def test_a_wording_that_names_the_customer_goes_by_card(wording: str, channel: str) -> None:
    assert channel_of(sop(), wording) == channel
    assert list(personal_steps([sop(say=wording)])) == (
        [] if channel == "group-send" else ["跟进「s」第 1 步提到了客户的称呼，群发做不到，这一步改用卡片逐个提醒"]
    )


def test_what_wecom_or_good_sense_forbids() -> None:
    found = list(check_group_sends([sop(anytime=True), sop(say=["短", "长" * 1334]), sop()]))
    assert [where for where, _ in found] == [("sops", 0, "steps", 0, "anytime"), ("sops", 1, "steps", 0, "say", 1)]
    assert "4002 字节，企业微信最多 4000" in found[1][1]


@pytest.mark.parametrize(
    ("minutes", "waits"), [((), 0), ((5, 49), 49), ((5, 50), 5), ((-5,), 0), ((90,), 0)], ids=repr
)
def test_it_waits_for_those_of_the_same_clock_hour(minutes: tuple[int, ...], waits: int) -> None:
    others = [T0 + timedelta(minutes=m) for m in minutes]
    assert wait_for_more(T0, others) == T0 + timedelta(minutes=waits)


@pytest.mark.parametrize(("age", "wait"), [(0, 5), (119, 5), (120, 60), (6000, 60)])
def test_polls_thin_out(age: int, wait: int) -> None:
    now = T0 + timedelta(minutes=age)
    assert next_poll(T0, now) == now + timedelta(minutes=wait)


@pytest.mark.parametrize(
    ("reminded", "rules", "at"),
    [
        ((), {}, 2),
        ((2,), {}, 4),
        ((2, 4), {}, None),  # the rule's own end
        ((2, 4), {"reminders": 10}, 6),
        ((2, 4, 6), {"reminders": 10}, 26),  # WeCom: three in 24 hours
        ((), {"remind_after": "0m"}, None),
        ((), {"remind_after": "12h"}, 23),  # 22:10 is after work: the next morning at nine
    ],
)
def test_reminders(reminded: tuple[int, ...], rules: dict[str, Any], at: int | None) -> None:
    times = [T0 + timedelta(hours=hour) for hour in reminded]
    found = next_reminder(T0, times, Overdue.model_validate(rules), CALENDAR, T0 + timedelta(days=3))
    expected = None if at is None else T0 + timedelta(hours=at)
    assert (found and found.replace(minute=10)) == expected


def test_no_reminder_when_it_is_over() -> None:
    assert next_reminder(T0, [], Overdue(), CALENDAR, T0 + timedelta(hours=2)) is None


def test_the_months_cap_is_its_days_on_the_local_calendar() -> None:
    last_evening = datetime(2026, 2, 28, 17, 0, tzinfo=UTC)  # the first of March in Shanghai
    assert monthly_cap(last_evening, CALENDAR) == 31
    assert month_start(last_evening, CALENDAR) == datetime(2026, 2, 28, 16, 0, tzinfo=UTC)
    assert monthly_cap(datetime(2026, 2, 28, 15, 0, tzinfo=UTC), CALENDAR) == 28
