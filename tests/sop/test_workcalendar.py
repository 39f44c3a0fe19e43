"""Working days and lawful slots, in China and where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sop.workcalendar import Workcalendar, unknown_year
from sop.workspace import Workspace


def calendar(**keys: object) -> Workcalendar:
    return Workcalendar(Workspace.model_validate({"work_hours": "09:00-21:00", **keys}))


def at(text: str, zone: str = "Asia/Shanghai") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "china", "festivals", "mon_fri"),
    [
        pytest.param("2026-02-13", True, True, True, id="a Friday"),
        pytest.param("2026-02-14", True, True, False, id="a make-up Saturday before Spring Festival"),
        pytest.param("2026-02-16", False, False, True, id="the eve, a Monday"),
        pytest.param("2026-02-21", False, False, False, id="a Saturday inside the festival"),
        pytest.param("2026-02-23", False, False, True, id="its last day, a Monday"),
        pytest.param("2026-02-24", True, True, True, id="the day after"),
        pytest.param("2026-02-28", True, True, False, id="a make-up Saturday after it"),
        pytest.param("2026-03-07", False, True, False, id="a plain Saturday"),
        pytest.param("2026-01-04", True, True, False, id="a make-up Sunday"),
        pytest.param("2026-10-01", False, False, True, id="National Day"),
        pytest.param("2030-06-03", True, True, True, id="a Monday of an unknown year"),
        pytest.param("2030-06-02", False, True, False, id="a Sunday of an unknown year"),
        pytest.param("2030-01-01", False, False, True, id="1 January of an unknown year"),
        pytest.param("2030-05-01", False, False, True, id="1 May of an unknown year"),
        pytest.param("2030-10-01", False, False, True, id="1 October of an unknown year"),
        pytest.param("2030-10-03", False, False, True, id="3 October of an unknown year"),
        pytest.param("2030-10-04", True, True, True, id="4 October of an unknown year"),
        pytest.param("2030-01-02", True, True, True, id="2 January of an unknown year"),
    ],
)
def test_workdays(day: str, china: bool, festivals: bool, mon_fri: bool) -> None:
    asked = date.fromisoformat(day)
    found = [calendar(workdays=kind).is_workday(asked) for kind in ("china", "festivals", "mon-fri", "everyday")]
    assert found == [china, festivals, mon_fri, True]


def test_the_workspace_overrides_the_state() -> None:
    ours = calendar(holidays=[date(2026, 3, 3)], extra_workdays=[date(2026, 2, 17)])
    assert not ours.is_workday(date(2026, 3, 3))
    assert ours.is_workday(date(2026, 2, 17))


@pytest.mark.parametrize(
    ("today", "given", "year"),
    [
        ("2026-10-31", {}, None),
        ("2026-11-01", {}, 2027),
        ("2026-12-31", {}, 2027),
        ("2027-03-01", {}, 2027),
        ("2026-11-01", {"holidays": [date(2027, 2, 8)]}, None),
        ("2026-11-01", {"extra_workdays": [date(2027, 2, 20)]}, None),
        ("2026-11-01", {"holidays": [date(2026, 12, 24)]}, 2027),
        ("2026-11-01", {"workdays": "festivals"}, 2027),
        ("2026-11-01", {"workdays": "mon-fri"}, None),
        ("2026-11-01", {"workdays": "everyday"}, None),
        ("2025-11-01", {}, None),
    ],
)
def test_a_year_without_holidays_is_noticed_from_november_on(
    today: str, given: dict[str, object], year: int | None
) -> None:
    assert unknown_year(Workspace.model_validate(given), date.fromisoformat(today)) == year


def test_an_unknown_year_warns_once() -> None:
    ours = calendar()
    assert list(ours.warnings) == []
    for day in (date(2030, 1, 1), date(2030, 1, 2), date(2029, 5, 1), date(2026, 5, 1)):
        ours.is_workday(day)
    assert [warning[3:7] for warning in ours.warnings] == ["2029", "2030"]
    assert calendar(workdays="mon-fri").warnings == ()


@pytest.mark.parametrize(
    ("wish", "slot", "reasons"),
    [
        pytest.param("2026-03-03T10:00", "2026-03-03T10:00", [], id="lawful stays"),
        pytest.param("2026-03-03T09:00", "2026-03-03T09:00", [], id="opening time is lawful"),
        pytest.param("2026-03-03T20:59", "2026-03-03T20:59", [], id="the last minute"),
        pytest.param("2026-03-03T21:00", "2026-03-04T09:00", ["非工作时间"], id="closing time is not"),
        pytest.param("2026-03-03T03:00", "2026-03-03T09:00", ["非工作时间"], id="too early"),
        pytest.param("2026-03-06T22:00", "2026-03-09T09:00", ["非工作时间", "周末顺延"], id="Friday night"),
        pytest.param("2026-03-07T10:00", "2026-03-09T09:00", ["周末顺延"], id="Saturday"),
        pytest.param("2026-02-14T10:00", "2026-02-14T10:00", [], id="a make-up Saturday"),
        pytest.param("2026-02-14T22:00", "2026-02-24T09:00", ["非工作时间", "假期顺延（春节）"], id="its night"),
        pytest.param("2026-02-18T12:00", "2026-02-24T09:00", ["假期顺延（春节）"], id="Spring Festival 2026"),
        pytest.param("2026-02-28T23:30", "2026-03-02T09:00", ["非工作时间", "周末顺延"], id="a month's end"),
        pytest.param("2026-10-01T09:00", "2026-10-08T09:00", ["假期顺延（国庆节）"], id="National Day"),
    ],
)
def test_next_slot(wish: str, slot: str, reasons: list[str]) -> None:
    hops = calendar(workdays="china").shifts(at(wish))
    assert [hop.reason for hop in hops] == reasons
    assert calendar(workdays="china").next_slot(at(wish)) == at(slot)


@pytest.mark.parametrize(
    ("wish", "slot"),
    [
        pytest.param("2026-02-18T15:30", "2026-02-24T15:30", id="same time after the holiday"),
        pytest.param("2026-02-18T07:00", "2026-02-24T09:00", id="opening time if the time was unlawful"),
    ],
)
def test_keeping_the_time_of_day(wish: str, slot: str) -> None:
    assert calendar(workdays="china").shifts(at(wish), keep_time=True)[-1].to == at(slot)


@pytest.mark.parametrize(
    ("wish", "slot"),
    [
        pytest.param("2026-03-06T23:00", "2026-03-06T23:00", id="Friday's night shift"),
        pytest.param("2026-03-07T05:00", "2026-03-07T05:00", id="its early hours belong to Friday"),
        pytest.param("2026-03-07T06:00", "2026-03-09T20:00", id="then the weekend"),
        pytest.param("2026-03-08T23:00", "2026-03-09T20:00", id="Sunday night"),
        pytest.param("2026-03-10T12:00", "2026-03-10T20:00", id="by day"),
    ],
)
def test_hours_over_midnight(wish: str, slot: str) -> None:
    assert calendar(work_hours="20:00-06:00", workdays="mon-fri").next_slot(at(wish)) == at(slot)


@pytest.mark.parametrize(
    ("zone", "hours", "wish", "slot"),
    [
        pytest.param("America/New_York", "02:30-05:00", "2026-03-08T00:00", "2026-03-08T03:30", id="into a gap"),
        pytest.param("America/New_York", "09:00-17:00", "2026-03-07T18:00", "2026-03-08T09:00", id="over a gap"),
        pytest.param("America/New_York", "09:00-17:00", "2026-10-31T18:00", "2026-11-01T09:00", id="over a fold"),
        pytest.param("Europe/Berlin", "09:00-17:00", "2026-03-28T20:00", "2026-03-29T09:00", id="Berlin, spring"),
        pytest.param("Asia/Urumqi", "09:00-21:00", "2026-03-03T22:00", "2026-03-04T09:00", id="no DST"),
    ],
)
def test_zones_that_change_their_clocks(zone: str, hours: str, wish: str, slot: str) -> None:
    ours = calendar(timezone=zone, work_hours=hours, workdays="everyday")
    assert ours.next_slot(at(wish, zone)).astimezone(ZoneInfo(zone)).isoformat()[:16] == slot


@pytest.mark.parametrize(
    ("wish", "slot", "reasons"),
    [
        pytest.param("2026-03-03T20:30", "2026-03-04T09:00", ["免打扰时段", "非工作时间"], id="an early evening"),
        pytest.param("2026-03-03T12:15", "2026-03-03T12:15", [], id="outside them"),
        pytest.param("2026-03-07T20:30", "2026-03-09T09:00", ["周末顺延"], id="a weekend's"),
    ],
)
def test_quiet_hours(wish: str, slot: str, reasons: list[str]) -> None:
    ours = calendar(quiet_hours="20:00-08:00", workdays="china")
    hops = ours.shifts(at(wish))
    assert [hop.reason for hop in hops] == reasons
    assert ours.next_slot(at(wish)) == at(slot)


@pytest.mark.parametrize(
    ("wish", "slot"),
    [
        ("2026-03-03T23:00", "2026-03-04T08:00"),
        ("2026-03-03T07:59", "2026-03-03T08:00"),
        ("2026-03-03T08:00", "2026-03-03T08:00"),
        ("2026-03-03T03:00", "2026-03-03T08:00"),
        ("2026-03-07T12:00", "2026-03-07T12:00"),
    ],
)
def test_what_need_not_wait_for_work_hours_still_heeds_quiet_ones(wish: str, slot: str) -> None:
    hops = calendar(quiet_hours="22:00-08:00", workdays="china").quiet_shifts(at(wish))
    assert (hops[-1].to if hops else at(wish)) == at(slot)
    assert calendar().quiet_shifts(at(wish)) == ()


def test_a_noon_rest_is_quiet_too() -> None:
    assert calendar(quiet_hours="12:00-14:00").next_slot(at("2026-03-03T12:30")) == at("2026-03-03T14:00")


def test_work_hours_that_are_all_quiet_say_so() -> None:
    with pytest.raises(ValueError, match="quiet_hours"):
        calendar(quiet_hours="08:00-22:00").next_slot(at("2026-03-03T10:00"))


def test_the_same_hours_all_day_are_never_closed() -> None:
    assert calendar(work_hours="00:00-00:00", workdays="everyday").shifts(at("2026-03-03T03:33")) == ()


def test_a_calendar_without_any_workday_says_so() -> None:
    ours = calendar(workdays="mon-fri")
    ours._rest = lambda day: "假期顺延"  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="没有一个工作日"):
        ours.next_slot(at("2026-03-03T10:00"))


ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo")
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(
    wish=INSTANTS,
    zone=st.sampled_from(ZONES),
    hours=st.sampled_from(["09:00-21:00", "22:00-06:00", "00:00-00:00", "02:15-02:45"]),
    workdays=st.sampled_from(["china", "festivals", "mon-fri", "everyday"]),
    quiet=st.sampled_from([None, "12:00-14:00", "01:00-02:20"]),
    keep_time=st.booleans(),
)
def test_a_slot_is_lawful_and_never_earlier(
    wish: datetime, zone: str, hours: str, workdays: str, quiet: str | None, keep_time: bool
) -> None:
    ours = calendar(timezone=zone, work_hours=hours, workdays=workdays, quiet_hours=quiet)
    hops = ours.shifts(wish, keep_time=keep_time)
    slot = hops[-1].to if hops else wish
    assert slot >= wish
    assert ours.shifts(slot) == ()
    assert slot.tzinfo is UTC
    assert quiet is None or not Workspace.model_validate({"work_hours": quiet}).work_hours.holds(
        ours.local(slot).time()
    )
    assert all(hop.from_ < hop.to for hop in hops)
    assert slot - wish < timedelta(days=16)
