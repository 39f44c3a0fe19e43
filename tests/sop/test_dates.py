"""Which days start an SOP."""

from __future__ import annotations

from datetime import date

import pytest

from sop.dates import dated, falls_on, next_day
from sop.playbook import Sop
from sop.triggers import parse_trigger

FIELDS = {"birthday": date(1992, 2, 29), "expiry": date(2026, 7, 1)}


@pytest.mark.parametrize(
    ("on", "day", "falls"),
    [
        ("date:2026-06-01", "2026-06-01", True),
        ("date:2026-06-01", "2027-06-01", False),
        ("date:birthday", "2028-02-29", True),
        ("date:birthday", "2026-02-28", True),
        ("date:birthday", "2028-02-28", False),
        ("date:birthday-3d", "2026-02-25", True),
        ("date:birthday-3d", "2028-02-26", True),
        ("date:expiry", "2026-07-01", True),
        ("date:expiry", "2027-07-01", False),
        ("date:expiry-7d", "2026-06-24", True),
        ("date:expiry+1d", "2026-07-02", True),
        ("every:mon", "2026-03-02", True),
        ("every:mon", "2026-03-03", False),
        ("every:sun", "2026-03-08", True),
        ("every:15", "2026-03-15", True),
        ("every:31", "2026-03-31", True),
        ("every:31", "2026-04-30", True),
        ("every:31", "2026-02-28", True),
        ("every:30", "2026-03-31", False),
        ("every:last", "2028-02-29", True),
        ("every:last", "2028-02-28", False),
        ("@added", "2026-03-02", False),
        ("silence:3d", "2026-03-02", False),
    ],
)
def test_falls_on(on: str, day: str, falls: bool) -> None:
    assert falls_on(parse_trigger(on), date.fromisoformat(day), FIELDS) is falls


def test_who_has_no_birthday_on_record_has_none() -> None:
    assert not falls_on(parse_trigger("date:birthday"), date(2026, 2, 28), {})


def test_a_birthday_at_the_turn_of_the_year_is_announced_in_the_old_one() -> None:
    assert falls_on(parse_trigger("date:birthday-3d"), date(2025, 12, 29), {"birthday": date(1990, 1, 1)})


@pytest.mark.parametrize(
    ("on", "after", "expected"),
    [
        ("every:31", "2026-01-31", "2026-02-28"),
        ("every:mon", "2026-03-02", "2026-03-09"),
        ("date:birthday", "2026-02-28", "2027-02-28"),
        ("date:birthday", "2027-12-31", "2028-02-29"),
        ("date:2026-06-01", "2026-05-31", "2026-06-01"),
        ("date:2026-06-01", "2026-06-01", None),
        ("date:expiry", "2026-07-02", None),
        ("@added", "2026-07-02", None),
    ],
)
def test_next_day(on: str, after: str, expected: str | None) -> None:
    found = next_day(parse_trigger(on), date.fromisoformat(after), FIELDS)
    assert (found and found.isoformat()) == expected


def test_the_sops_that_wait_for_a_day() -> None:
    ons = ["@added", "date:birthday", "tag:高意向", "every:mon", "silence:3d"]
    sops = [Sop.model_validate({"id": f"s{n}", "on": on, "steps": [{"say": "好"}]}) for n, on in enumerate(ons)]
    assert [sop.id for sop in dated(sops)] == ["s1", "s3"]
