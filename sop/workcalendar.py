"""Work calendar: working days, China's statutory holidays and make-up days, the next lawful slot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar

from sop.translatable import Translatable
from sop.workspace import Workspace

_DAY = timedelta(days=1)
_SEARCHED_DAYS = 1100
_MOST_HOPS = 12  # more hops without a slot mean that quiet hours cover all work hours
_FESTIVALS = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}


# What every year has, whatever the State Council says about the days around them.
_FIXED = {
    (1, 1): "New Year's Day",
    (5, 1): "Labour Day",
    (10, 1): "National Day",
    (10, 2): "National Day",
    (10, 3): "National Day",
}


@dataclass(frozen=True, slots=True)
class Postponement:
    """Why something was put off, from when to when (UTC)."""

    reason: str
    from_: datetime
    to: datetime


def _festival(name: str) -> Translatable:
    return Translatable("假期顺延（{name}）", name=Translatable(_FESTIVALS.get(name, name)))


def unknown_year(workspace: Workspace, today: date) -> int | None:
    """The year whose statutory holidays are needed and not known: this one, or from 1 November on the next.

    Whoever has written that year's days into `holidays` or `extra_workdays` needs no others.
    """
    if workspace.workdays not in ("china", "festivals"):
        return None
    given = {day.year for day in (*workspace.holidays, *workspace.extra_workdays)}
    years = (today.year, today.year + 1) if today >= today.replace(month=11, day=1) else (today.year,)
    return next((year for year in years if year not in given and not _is_known(year)), None)


def _is_known(year: int) -> bool:
    try:
        chinese_calendar.get_holiday_detail(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


class Workcalendar:
    """The workspace's calendar. All instants given and returned are aware; those returned are UTC."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._holidays = frozenset(workspace.holidays)
        self._extra_workdays = frozenset(workspace.extra_workdays)
        self._unknown_years: set[int] = set()
        self._rests: dict[date, str | None] = {}
        self._openings: dict[date, tuple[datetime, datetime]] = {}
        self.zone = ZoneInfo(workspace.timezone)
        self.opens_at = workspace.work_hours.start

    @property
    def warnings(self) -> tuple[str, ...]:
        """The years that were asked for and whose statutory holidays are not known, as sentences."""
        return tuple(
            Translatable(
                "没有 {year} 年的法定节假日数据，除固定假日外按平常的周历计算；可在 [workspace] 的 holidays 里补上",
                year=year,
            )
            for year in sorted(self._unknown_years)
        )

    def is_workday(self, day: date) -> bool:
        """Say whether people work on this local day."""
        return self._rest(day) is None

    def is_business_day(self, day: date) -> bool:
        """Say whether this local day is a 工作日 as people speak of one: weekends are none, even worked ones."""
        if self._workspace.workdays == "mon-fri":
            return self.is_workday(day)
        if day in self._extra_workdays or day in self._holidays:
            return day in self._extra_workdays
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return day.weekday() < 5 and (day.month, day.day) not in _FIXED

    def hours_of(self, day: date) -> tuple[datetime, datetime]:
        """When the work of this local day begins and ends."""
        return self._opening(day)

    def festival(self, day: date) -> str | None:
        """The festival for which this day is free by law, in Chinese; None where it is not, or nobody knows yet."""
        try:
            resting, name = chinese_calendar.get_holiday_detail(day)
        except NotImplementedError:
            return None
        return _FESTIVALS.get(name, name) if resting and name is not None else None

    def shifts(self, at: datetime, *, keep_time: bool = False) -> tuple[Postponement, ...]:
        """Give the hops from `at` to the first lawful slot not before it; empty if `at` is lawful.

        A slot is lawful when it lies in the work hours of a working day and not in quiet hours; hours over midnight
        belong to the day on which they open. A hop over days lands at opening time, or with keep_time at the same
        time of day. Raises ValueError if there is no such slot (a calendar of holidays alone).
        """
        at = at.astimezone(UTC)
        hops: list[Postponement] = []
        for _ in range(_MOST_HOPS):
            hop = self._into_hours(at) or self._over_rest(at, keep_time) or self._out_of_quiet(at)
            if hop is None:
                return tuple(hops)
            hops.append(hop)
            at = hop.to
        raise ValueError("工作时间全在免打扰时段里，请检查 workspace.quiet_hours")

    def quiet_shifts(self, at: datetime) -> tuple[Postponement, ...]:
        """Give the hop out of quiet hours, for what need not wait for work hours; empty if `at` is not quiet."""
        hop = self._out_of_quiet(at.astimezone(UTC))
        return () if hop is None else (hop,)

    def next_slot(self, at: datetime) -> datetime:
        """Give the first lawful instant that is not before `at`."""
        hops = self.shifts(at)
        return hops[-1].to if hops else at.astimezone(UTC)

    def instant(self, day: date, clock: time) -> datetime:
        """Turn a local day and time into UTC; a time that DST skips becomes the same time after the gap."""
        return datetime.combine(day, clock, tzinfo=self.zone).astimezone(UTC)

    def local(self, at: datetime) -> datetime:
        """Turn an instant into local time."""
        return at.astimezone(self.zone)

    def _rest(self, day: date) -> str | None:
        """The reason for which people rest on this day; None on a working day."""
        if day not in self._rests:
            self._rests[day] = self._find_rest(day)
        return self._rests[day]

    def _find_rest(self, day: date) -> str | None:
        if day in self._extra_workdays:
            return None
        if day in self._holidays:
            return "假期顺延"
        kind = self._workspace.workdays
        if kind == "everyday":
            return None
        weekend = "周末顺延" if day.weekday() >= 5 else None
        if kind == "mon-fri":
            return weekend
        try:
            resting, name = chinese_calendar.get_holiday_detail(day)
        except NotImplementedError:
            self._unknown_years.add(day.year)
            fixed = _FIXED.get((day.month, day.day))
            if fixed is not None:
                return _festival(fixed)
            return None if kind == "festivals" else weekend
        if not resting or (name is None and kind == "festivals"):
            return None
        return "周末顺延" if name is None else _festival(name)

    def _opening(self, day: date) -> tuple[datetime, datetime]:
        if day not in self._openings:
            self._openings[day] = self._find_opening(day)
        return self._openings[day]

    def _find_opening(self, day: date) -> tuple[datetime, datetime]:
        hours = self._workspace.work_hours
        closing_day = day if hours.start < hours.end else day + _DAY
        return self.instant(day, hours.start), self.instant(closing_day, hours.end)

    def _shift_day(self, at: datetime) -> date:
        """The day whose hours hold `at` or open next after it."""
        day = self.local(at).date() - _DAY
        while self._opening(day)[1] <= at:
            day += _DAY
        return day

    def _into_hours(self, at: datetime) -> Postponement | None:
        opens, _ = self._opening(self._shift_day(at))
        return Postponement("非工作时间", at, opens) if opens > at else None

    def _over_rest(self, at: datetime, keep_time: bool) -> Postponement | None:
        day = self._shift_day(at)
        reason = self._rest(day)
        return None if reason is None else Postponement(reason, at, self._on_next_workday(day, at, keep_time))

    def _on_next_workday(self, day: date, at: datetime, keep_time: bool) -> datetime:
        for distance in range(1, _SEARCHED_DAYS):
            later = day + distance * _DAY
            if self.is_workday(later):
                same_time = self.instant(self.local(at).date() + distance * _DAY, self.local(at).time())
                opens, closes = self._opening(later)
                return same_time if keep_time and opens <= same_time < closes else opens
        raise ValueError(
            Translatable(
                "{day} 之后 {n} 天内没有一个工作日，请检查 workspace.holidays",
                day=day,
                n=_SEARCHED_DAYS,
            )
        )

    def _out_of_quiet(self, at: datetime) -> Postponement | None:
        quiet, now = self._workspace.quiet_hours, self.local(at)
        if quiet is None or not quiet.holds(now.time()):
            return None
        ends = self.instant(now.date(), quiet.end)
        if ends <= at:
            ends = self.instant(now.date() + _DAY, quiet.end)
        return Postponement("免打扰时段", at, ends)


@lru_cache(maxsize=16)
def calendar_of(workspace: Workspace) -> Workcalendar:
    """Give the workspace's calendar; equal workspaces share one, which remembers the days it has been asked for."""
    return Workcalendar(workspace)
