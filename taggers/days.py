"""Days as people say them: a date, a month, the age of a child, read out of a sentence said on a known day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

from taggers.numbers import whole_number

_H = "零〇一二两三四五六七八九十廿卅"
_YEAR = rf"(?:(?P<year>(?:19|20)\d\d|\d\d(?=年)|[{_H}]{{4}}(?=年))[年\-/.]|(?P<relative>去年|前年|今年|明年|后年)的?)"
_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二两三四五六七八九])"
_DAY = (
    r"(?P<day>3[01]|[12]\d|0?[1-9]|[二两三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?|初?[一二三四五六七八九])"
)
_NO_MORE = r"(?!\s*[\d点:：个月%折])"
_DATE = re.compile(
    rf"(?<![\d.]){_YEAR}?\s*{_MONTH}\s*(?:月份?|[\-/])\s*{_DAY}(?:\s*[日号]|{_NO_MORE})"
    rf"|(?<![\d.\-/])(?P<compact>(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
    rf"|(?<![\d.\-/])(?:(?P<dotyear>(?:19|20)\d\d)\.)?(?P<dotmonth>1[0-2]|0?[1-9])\.(?P<dotday>3[01]|[12]\d|0?[1-9])"
    rf"(?![\d.万千百元块斤克米个岁次年度寸倍分%折kKwWgG])"
    rf"|(?P<near>大后天|后天|明天|今天|昨天|前天)"
    rf"|(?P<week>上|这|本|下下|下)个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
    rf"|(?P<around>上|这|本|下)个?月(?P<aroundday>3[01]|[12]\d|0?[1-9]|[{_H}]{{1,3}})[日号]"
)
_MONTH_ONLY = re.compile(
    rf"(?<![\d.]){_YEAR}?\s*{_MONTH}\s*月(?!\s*[卡费票付供])|(?<![\d.])(?P<isoyear>(?:19|20)\d\d)-(?P<isomonth>0[1-9]|1[0-2])(?!\d)"
    r"|(?P<around>上|这|本|下下|下)个?月(?![\d一二三四五六七八九十])"
)
_N = rf"(?:\d{{1,3}}|[{_H}百]{{1,4}})"
_AGE = re.compile(
    rf"(?<![\d.第几])(?:(?P<years>{_N}(?:\.5)?)\s*(?:周岁|岁)(?P<half>半)?(?:\s*零?(?:(?P<more>{_N})\s*个?月))?"
    rf"|(?P<months>{_N})\s*个(?:半)?月|(?P<weeks>{_N})\s*周(?![岁一二三四五六日天末年])|(?P<days>{_N})\s*天"
    rf"|(?P<word>半岁|满月|百天|周岁))"
)
_NEAR = {"大后天": 3, "后天": 2, "明天": 1, "今天": 0, "昨天": -1, "前天": -2}
_WEEKS = {"上": -1, "这": 0, "本": 0, "下": 1, "下下": 2}
_YEARS = {"前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2}
_WORDS = {"半岁": "6m", "满月": "1m", "百天": "100d", "周岁": "12m"}
_NOT_OURS = re.compile(r"(?:农历|阴历|旧历)\s*(?:是|在)?\s*$")
"""A date of the old calendar is another day; it is left to people."""
_OLDEST = 120
_UNITS = (("months", "m"), ("weeks", "w"), ("days", "d"))


class Found(NamedTuple):
    """A value, as it is kept, that stands at start..end of a text."""

    value: str
    start: int
    end: int


def dates(text: str, day: date, *, past: bool) -> Iterator[Found]:
    """Give the dates of a folded text said on `day`, as 2026-03-12.

    A day without its year is the next one, or, where only the `past` makes sense (a birth), the last one.
    """
    for found in _DATE.finditer(text):
        meant = _day_of(found, day, past)
        if meant is not None and not _NOT_OURS.search(text, 0, found.start()):
            yield Found(meant.isoformat(), *found.span())


def months(text: str, day: date, *, past: bool) -> Iterator[Found]:
    """Give the months of a folded text said on `day`, as 2026-08; the same about the year."""
    for found in _MONTH_ONLY.finditer(text):
        meant = _month_of(found, day, past)
        if meant is not None and not _NOT_OURS.search(text, 0, found.start()):
            yield Found(f"{meant:%Y-%m}", *found.span())


def ages(text: str, day: date) -> Iterator[Found]:
    """Give the ages of a folded text with the day they were said: 8m@2026-03-04 (d days, w weeks, m months)."""
    for found in _AGE.finditer(text):
        length = _length_of(found)
        if length:
            yield Found(f"{length}@{day.isoformat()}", *found.span())


def _day_of(found: re.Match[str], day: date, past: bool) -> date | None:
    if found["near"]:
        return day + timedelta(days=_NEAR[found["near"]])
    if found["week"]:
        monday = day - timedelta(days=day.weekday()) + timedelta(weeks=_WEEKS[found["week"]])
        return monday + timedelta(days=min("一二三四五六日天".index(found["weekday"]), 6))
    if found["around"]:
        first = _first_of(day, _WEEKS[found["around"]])
        return _made(first.year, first.month, whole_number(found["aroundday"]))
    if found["compact"]:
        whole = found["compact"]
        return _made(int(whole[:4]), int(whole[4:6]), int(whole[6:]))
    if found["dotmonth"]:
        return _placed(found["dotyear"], None, (int(found["dotmonth"]), int(found["dotday"])), day, past)
    number = whole_number(found["day"].removeprefix("初").replace("廿", "二十"))
    month = whole_number(found["month"])
    if number is None or month is None:
        return None
    return _placed(found["year"], found["relative"], (month, number), day, past)


def _placed(year: str | None, relative: str | None, month_day: tuple[int, int], day: date, past: bool) -> date | None:
    if year or relative:
        return _made(_year_of(year, relative, day), *month_day)
    this = _made(day.year, *month_day)
    if past:
        return this if this is not None and this <= day else _made(day.year - 1, *month_day)
    return this if this is not None and this >= day else _made(day.year + 1, *month_day)


def _month_of(found: re.Match[str], day: date, past: bool) -> date | None:
    if found["around"]:
        return _first_of(day, _WEEKS[found["around"]])
    if found["isoyear"]:
        return date(int(found["isoyear"]), int(found["isomonth"]), 1)
    month = whole_number(found["month"])
    if month is None:
        return None
    if found["year"] or found["relative"]:
        return _made(_year_of(found["year"], found["relative"], day), month, 1)
    return _placed(None, None, (month, 1), day if past else day.replace(day=1), past)


def _year_of(year: str | None, relative: str | None, day: date) -> int:
    if relative:
        return day.year + _YEARS[relative]
    number = int(year) if year and year.isdecimal() and year.isascii() else whole_number(year or "")
    return 0 if number is None else number + (2000 if number < 100 else 0)


def _first_of(day: date, ahead: int) -> date:
    place = day.year * 12 + day.month - 1 + ahead
    return date(place // 12, place % 12 + 1, 1)


def _made(year: int, month: int | None, day: int | None) -> date | None:
    try:
        return date(year, month or 0, day or 0)
    except ValueError:
        return None


def _length_of(found: re.Match[str]) -> str:
    if found["word"]:
        return _WORDS[found["word"]]
    if found["years"]:
        whole, _, half = found["years"].partition(".")
        years, more = whole_number(whole), whole_number(found["more"] or "") or 0
        if years is None or years > _OLDEST:
            return ""
        return f"{years * 12 + (6 if half or found['half'] else more)}m"
    for name, unit in _UNITS:
        number = whole_number(found[name] or "")
        if number:
            return f"{number}{unit}"
    return ""
