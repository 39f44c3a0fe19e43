"""How much reaches a customer: rates, talks, budgets."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sop.budget import talks, within_budget
from sop.rates import Rate, parse_rate
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace

CALENDAR = Workcalendar(Workspace.model_validate({"workdays": "mon-fri", "quiet_hours": "22:00-08:00"}))


def at(text: str) -> datetime:
    """ "03T15:00" is 15:00 on the third of March 2026, a Tuesday, in Shanghai."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("text", "day", "first", "following"),
    [
        ("1/day", "2026-03-05", "2026-03-05", "2026-03-06"),
        ("2/week", "2026-03-05", "2026-03-02", "2026-03-09"),
        ("2/week", "2026-03-08", "2026-03-02", "2026-03-09"),
        ("1/week", "2026-01-01", "2025-12-29", "2026-01-05"),
    ],
)
def test_periods(text: str, day: str, first: str, following: str) -> None:
    rate, asked = parse_rate(text), datetime.fromisoformat(day).date()
    assert rate.times == int(text[0])
    assert (rate.period(asked).isoformat(), rate.next_period(asked).isoformat()) == (first, following)


def test_a_rate_reads_as_people_say_it() -> None:
    assert [str(Rate(2, "day")), str(Rate(1, "week"))] == ["每天最多 2 次", "每周最多 1 次"]


@pytest.mark.parametrize(
    ("minutes", "openings"),
    [
        ([], []),
        ([0], [0]),
        ([0, 5, 10, 15], [0]),
        ([0, 10, 21], [0, 21]),
        ([30, 0], [0, 30]),
    ],
)
def test_words_close_together_are_one_talk(minutes: list[int], openings: list[int]) -> None:
    start = at("03T10:00")
    words = [start + timedelta(minutes=minute) for minute in minutes]
    assert talks(words, timedelta(minutes=10)) == tuple(start + timedelta(minutes=minute) for minute in openings)


@pytest.mark.parametrize(
    ("wish", "contacts", "budget", "slot"),
    [
        pytest.param("03T15:00", [], "1/day", "03T15:00", id="nothing yet"),
        pytest.param("03T15:00", ["03T09:30"], "2/day", "03T15:00", id="room for one more"),
        pytest.param("03T15:00", ["03T09:30"], "1/day", "04T09:00", id="tomorrow"),
        pytest.param("03T15:00", ["02T09:30"], "1/day", "03T15:00", id="yesterday does not count"),
        pytest.param("03T15:00", ["03T09:30", "04T10:00"], "1/day", "05T09:00", id="what is planned counts"),
        pytest.param("06T15:00", ["06T09:30"], "1/day", "09T09:00", id="over the weekend"),
        pytest.param("06T15:00", ["02T09:30"], "1/week", "09T09:00", id="next week"),
        pytest.param("03T23:30", ["04T00:10"], "1/day", "03T23:30", id="midnight is local"),
    ],
)
def test_within_budget(wish: str, contacts: list[str], budget: str, slot: str) -> None:
    hops = within_budget(at(wish), [at(contact) for contact in contacts], budget, CALENDAR)
    assert (hops[-1].to if hops else at(wish)) == at(slot)
    assert not hops or hops[0].reason.startswith("超出频次")
