"""Reminders come in work hours, a few times, and then the leader hears of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sop.overdue import next_nudge
from sop.workcalendar import Workcalendar
from sop.workspace import Overdue, Workspace

CALENDAR = Workcalendar(Workspace.model_validate({"workdays": "china"}))
RULES = {"remind_after": "2h", "reminders": 2, "leader_after": "1d"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("delivered", "reminded", "told", "changes", "expected"),
    [
        pytest.param("03-03T10:00", [], False, {}, ("agent", "03-03T12:00"), id="after two hours"),
        pytest.param("03-03T10:00", ["03-03T12:00"], False, {}, ("agent", "03-03T14:00"), id="and again"),
        pytest.param(
            "03-03T10:00", ["03-03T12:00", "03-03T14:00"], False, {}, ("leader", "03-04T10:00"), id="then the leader"
        ),
        pytest.param("03-03T10:00", ["03-03T12:00"], True, {}, None, id="who has heard of it"),
        pytest.param("03-03T20:00", [], False, {}, ("agent", "03-04T09:00"), id="not by night"),
        pytest.param("02-14T20:00", [], False, {"reminders": 0}, ("leader", "02-24T09:00"), id="not in a festival"),
        pytest.param("03-03T10:00", [], False, {"remind_after": "2d"}, ("leader", "03-04T10:00"), id="the sooner"),
        pytest.param(
            "03-03T10:00", [], False, {"remind_after": "1d"}, ("leader", "03-04T10:00"), id="of two at once"
        ),
        pytest.param("03-03T10:00", [], False, {"remind_after": "0m", "leader_after": "0m"}, None, id="switched off"),
        pytest.param("03-03T10:00", ["03-03T12:00"] * 2, False, {"leader_after": "0m"}, None, id="no leader to tell"),
    ],
)
def test_next_nudge(
    delivered: str, reminded: list[str], told: bool, changes: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    rules = Overdue.model_validate({**RULES, **changes})
    nudge = next_nudge(at(delivered), [at(text) for text in reminded], told, rules, CALENDAR)
    assert (nudge and (nudge.to, nudge.at)) == (expected and (expected[0], at(expected[1])))


@pytest.mark.parametrize(("expires", "nudged"), [("03-03T12:00", False), ("03-03T12:01", True)])
def test_nobody_is_reminded_of_what_is_over(expires: str, nudged: bool) -> None:
    rules = Overdue.model_validate(RULES)
    assert (next_nudge(at("03-03T10:00"), [], False, rules, CALENDAR, at(expires)) is not None) is nudged
