"""Delays by one tap: what is offered is what the chat reads, and what cards offered before is still understood."""

from __future__ import annotations

from datetime import datetime

import pytest

from sop.delays import DELAYS, delayed_until
from sop.when import read_when
from sop.workcalendar import Workcalendar
from sop.workspace import Workspace

CALENDAR = Workcalendar(Workspace.model_validate({"work_hours": "09:00-21:00", "workdays": "everyday"}))
MORNING = datetime.fromisoformat("2031-03-06T10:00:00+08:00")


@pytest.mark.parametrize("option", DELAYS)
def test_the_chat_reads_what_a_button_offers_as_the_button_means_it(option: str) -> None:
    read = read_when(DELAYS[option], MORNING, CALENDAR)
    assert read is not None
    assert CALENDAR.next_slot(read) == delayed_until(option, CALENDAR, MORNING)


@pytest.mark.parametrize(
    ("option", "now", "until"),
    [
        ("1h", "10:00", "2031-03-06T11:00:00+08:00"),  # on cards that are out
        ("3h", "10:00", "2031-03-06T13:00:00+08:00"),
        ("2h", "20:00", "2031-03-07T09:00:00+08:00"),
        ("tonight", "20:00", "2031-03-07T09:00:00+08:00"),
        ("3d", "20:00", "2031-03-09T09:00:00+08:00"),
    ],
)
def test_what_falls_out_of_hours_or_is_past_means_the_next_morning(option: str, now: str, until: str) -> None:
    at = datetime.fromisoformat(f"2031-03-06T{now}:00+08:00")
    assert delayed_until(option, CALENDAR, at) == datetime.fromisoformat(until)
