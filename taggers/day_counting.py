"""Counting days: which day a name of a day means, as seen from the day on which it was said."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple, TypeAlias

from taggers.counts import count
from taggers.numbers import whole_number
from taggers.workdays import Workdays

_DAY = timedelta(days=1)
_YEAR = 400  # days looked ahead for a festival
_WEEKDAYS = {sign: at for at, sign in enumerate("一二三四五六日")} | {"天": 6} | {str(n): n - 1 for n in range(1, 8)}
_RELATIVE_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2}
_FESTIVALS = {
    "春节": "春节", "过年": "春节", "年": "春节", "新年": "春节", "大年": "春节", "元旦": "元旦", "清明": "清明节",
    "清明节": "清明节", "五一": "劳动节", "51": "劳动节", "劳动节": "劳动节", "端午": "端午节", "端午节": "端午节",
    "中秋": "中秋节", "中秋节": "中秋节", "十一": "国庆节", "国庆": "国庆节", "国庆节": "国庆节",
}  # fmt: skip


class Seen(NamedTuple):
    """From where days are seen: the day on which they are said, and the calendar of working days where it is known.

    past: what is told of can only lie back (a birth), so that a day without its year is the last one.
    """

    today: date
    workdays: Workdays | None = None
    past: bool = False


Reader: TypeAlias = Callable[[re.Match[str], Seen], date | None]


def relative(shift: int) -> Reader:
    return lambda found, seen: seen.today + shift * _DAY


def steps(prefix: str | None) -> int | None:
    """How many weeks or months on: 上 -1, 这 0, 下 1, 下下 2, and None where none is said."""
    return None if prefix is None else prefix.count("下") - prefix.count("上")


def next_weekday(found: re.Match[str], seen: Seen) -> date | None:
    day = _of_week(seen.today, 0, found["bare_weekday"])
    return day if day >= seen.today else day + 7 * _DAY


def weekday(found: re.Match[str], seen: Seen) -> date | None:
    return _of_week(seen.today, steps(found["week_of"]) or 0, found["weekday"])


def last_weekday(found: re.Match[str], seen: Seen) -> date | None:
    return _of_week(seen.today, -1, found["last_weekday"])


def _of_week(today: date, weeks: int, sign: str) -> date:
    return today + (_WEEKDAYS[sign] - today.weekday() + 7 * weeks) * _DAY


def week(found: re.Match[str], seen: Seen) -> date | None:
    weeks = steps(found["whole_week"]) or 0
    return seen.today + (6 - seen.today.weekday() + 7 * weeks) * _DAY


def weekend(found: re.Match[str], seen: Seen) -> date | None:
    weeks = steps(found["weekend_of"]) or 0
    return seen.today + (6 - seen.today.weekday() + 7 * weeks) * _DAY


def month_on(today: date, months: int) -> tuple[int, int]:
    years, month = divmod(today.month - 1 + months, 12)
    return today.year + years, month + 1


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def whole(words: str) -> int:
    number = count(words)
    return int(number) if number is not None and number == int(number) else 0


def month_day(found: re.Match[str], seen: Seen) -> date | None:
    """A day of a month, of the year that is said, else the next one, or the last one where only that makes sense."""
    month, day = whole(found["month"]), whole(found["of_month"].removeprefix("初"))
    return placed(seen, (month, day), said_year(found["year"], found["relative"], seen.today))


def loose_month_day(found: re.Match[str], seen: Seen) -> date | None:
    return placed(seen, (whole(found["loose_month"]), whole(found["loose_day"])))


def slashed(found: re.Match[str], seen: Seen) -> date | None:
    return placed(seen, (int(found["slash_month"]), int(found["slash_day"] or found["dot_day"])))


def written(found: re.Match[str], seen: Seen) -> date | None:
    year, month, day = (int(found[name]) for name in ("iso_year", "iso_month", "iso_day"))
    return _made(year, month, day)


def dashed(found: re.Match[str], seen: Seen) -> date | None:
    return placed(seen, (int(found["dash_month"]), int(found["dash_day"] or found["point_day"])))


def compact(found: re.Match[str], seen: Seen) -> date | None:
    whole = found["compact"]
    return _made(int(whole[:4]), int(whole[4:6]), int(whole[6:]))


def placed(seen: Seen, month_day: tuple[int, int], year: int | None = None) -> date | None:
    """The day of a month in its year; without one the next, or of what only lies back the last."""
    if year is not None:
        return _made(year, *month_day)
    this = _made(seen.today.year, *month_day)
    if seen.past:
        return this if this is not None and this <= seen.today else _made(seen.today.year - 1, *month_day)
    return this if this is not None and this >= seen.today else _made(seen.today.year + 1, *month_day)


def said_year(year: str | None, relative: str | None, today: date) -> int | None:
    """2026年, 26年, 二〇二六年, 明年: the year that is said; None where none is."""
    if relative:
        return today.year + _RELATIVE_YEARS[relative]
    if not year:
        return None
    number = int(year) if year.isdecimal() and year.isascii() else whole_number(year)
    return 0 if number is None else number + (2000 if number < 100 else 0)


def number_day(found: re.Match[str], seen: Seen) -> date | None:
    day = whole(found["number_day"])
    return _made(*month_on(seen.today, 0 if day >= seen.today.day else 1), day)


def day_of_month(found: re.Match[str], seen: Seen) -> date | None:
    return _made(*month_on(seen.today, steps(found["day_month"]) or 0), whole(found["month_day"]))


def day_of_last_month(found: re.Match[str], seen: Seen) -> date | None:
    return _made(*month_on(seen.today, -1), whole(found["last_month_day"]))


_PARTS_OF_MONTH = {"初": 5, "上旬": 10, "中": 15, "中旬": 20}


def part_of_month(found: re.Match[str], seen: Seen) -> date | None:
    months, part = steps(found["part_month"]), found["month_part"]
    last = _PARTS_OF_MONTH.get(part)
    if months is None:
        months = 1 if last is not None and last < seen.today.day else 0
    year, month = month_on(seen.today, months)
    return date(year, month, last or calendar.monthrange(year, month)[1])


def month_end(found: re.Match[str], seen: Seen) -> date | None:
    year, month = month_on(seen.today, steps(found["whole_month"]) or 0)
    return date(year, month, calendar.monthrange(year, month)[1])


def year_end(found: re.Match[str], seen: Seen) -> date | None:
    return date(seen.today.year, 12, 31)


def some_days(found: re.Match[str], seen: Seen) -> date | None:
    return _after(seen.today, found["days"] or found["few_days"], found["unit"] or "天")


def working_days(found: re.Match[str], seen: Seen) -> date | None:
    words = found["working"]
    if seen.workdays is None:
        return None
    number = 1 if words in ("下", "下一", "第二") else 3 if words == "几" else whole(words)
    return _on(seen.today, number, seen.workdays.is_business_day) if 0 < number <= 60 else None


def _on(day: date, number: int, counts: Callable[[date], bool]) -> date | None:
    for later in _days(day + _DAY):
        number -= counts(later)
        if number == 0:
            return later
    return None


def _days(first: date) -> Iterator[date]:
    return (first + distance * _DAY for distance in range(_YEAR))


def _festival_run(name: str | None, today: date, workdays: Workdays) -> tuple[date, date] | None:
    """The first and last free day of the next festival, or of this one."""
    first: date | None = None
    last = today
    for day in _days(today - today.weekday() * _DAY):
        said = workdays.festival(day)
        if said is not None and (name is None or name in said or first is not None):
            first = first or day
            last = day
        elif first is not None and last >= today:
            return first, last
        else:
            first = None
    return None


def after_festival(found: re.Match[str], seen: Seen) -> date | None:
    name = _FESTIVALS.get(found["since"] or found["since_done"] or "")
    if seen.workdays is None:
        return None
    run = _festival_run(name, seen.today, seen.workdays)
    nth = whole(found["nth"]) if found["nth"] else 1
    if run is None:
        return None
    by_law = "工作日" in found[0]
    return _on(run[1], nth, seen.workdays.is_business_day if by_law else seen.workdays.is_workday)


def before_festival(found: re.Match[str], seen: Seen) -> date | None:
    if seen.workdays is None:
        return None
    run = _festival_run(_FESTIVALS.get(found["until"]), seen.today, seen.workdays)
    if run is None:
        return None
    day = run[0] - _DAY
    while not seen.workdays.is_workday(day) and day > seen.today:
        day -= _DAY
    return max(day, seen.today)


def some_days_on(found: re.Match[str], seen: Seen) -> date | None:
    return _after(seen.today, found["days2"], found["unit2"])


def _after(today: date, words: str, unit: str) -> date:
    """So many days, weeks or months on; 几 is three."""
    number = 3 if words == "几" else whole(words)
    if unit in ("天", "日"):
        return today + number * _DAY
    if unit.endswith("月"):
        year, month = month_on(today, number)
        return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
    return today + 7 * number * _DAY
