"""Times as agents write them: 明天, 后天上午, 周一10点, 下午3点半, 2小时后, 11-25 10:00."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from sop.workcalendar import Workcalendar

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九十")} | {"两": 2, "〇": 0}


def read_when(text: str, now: datetime, calendar: Workcalendar) -> datetime | None:
    """Read 明天, 后天上午, 周一10点, 下午3点半, 2小时后, 3天后9点, 11-25 10:00; the next such instant, or None.

    A day without a time means opening time; a time without a day that is past today means tomorrow.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").strip("到至")
    later = _SPAN.fullmatch(plain)
    if later is not None:
        number = 0.5 if later[1] == "半" else count(later[1])
        return None if number is None else now + number * _SPANS[later[2]]
    today = calendar.local(now).date()
    day, rest = _day(plain, today)
    clock = _clock(rest)
    if clock is None and (day is None or rest):
        return None
    at = calendar.instant(day or today, clock or calendar.opens_at)
    if at > now:
        return at
    return calendar.instant(today + timedelta(days=1), clock) if day is None and clock else None


_SPAN = re.compile(r"(半|[0-9]{1,3}|[一二两三四五六七八九十]{1,3})个?(分钟|小时|钟头|天|周|星期)(?:后|以后|之后)?")
_SPANS = {
    "分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "钟头": timedelta(hours=1),
    "天": timedelta(days=1), "周": timedelta(weeks=1), "星期": timedelta(weeks=1),
}  # fmt: skip
_DAYS = {"今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3}
_WEEKDAY = re.compile(r"(下*)(?:周|星期|礼拜)([一二三四五六日天])")
_AHEAD = re.compile(r"([0-9]{1,3}|[一二两三四五六七八九十]{1,3})天(?:之后|以后|后)")
_DATE = re.compile(r"(?:([0-9]{4})[-/年])?([0-9]{1,2})[-/月]([0-9]{1,2})[日号]?")
_CLOCK = re.compile(
    r"(凌晨|早上|上午|中午|下午|傍晚|晚上|早|晚)?(?:([0-9]{1,2}|[一二两三四五六七八九十]{1,3})"
    r"(?:[:点时](?:([0-9]{1,2})分?|(半)|([一二三])刻)?)?)?"
)
_PARTS_OF_DAY = {"凌晨": 6, "早上": 9, "早": 9, "上午": 10, "中午": 12, "下午": 15, "傍晚": 18, "晚上": 19, "晚": 19}
_AFTERNOON = ("下午", "傍晚", "晚上", "晚")


def _day(plain: str, today: date) -> tuple[date | None, str]:
    for word in sorted(_DAYS, key=len, reverse=True):
        if plain.startswith(word):
            rest = plain[len(word) :]
            return today + timedelta(days=_DAYS[word]), (word[-1] + rest if word[-1] in "早晚" else rest)
    weekday = _WEEKDAY.match(plain)
    if weekday is not None:
        target = "一二三四五六日".find(weekday[2].replace("天", "日"))
        ahead = target - today.weekday() + 7 * len(weekday[1])
        return today + timedelta(days=ahead if ahead > 0 else ahead + 7), plain[weekday.end() :]
    ahead_of = _AHEAD.match(plain)
    if ahead_of is not None and (days := count(ahead_of[1])) is not None:
        return today + timedelta(days=days), plain[ahead_of.end() :]
    dated = _DATE.match(plain)
    if dated is None:
        return None, plain
    try:
        day = date(int(dated[1] or today.year), int(dated[2]), int(dated[3]))
    except ValueError:
        return None, plain
    return (day if dated[1] or day >= today else day.replace(year=today.year + 1)), plain[dated.end() :]


def _clock(plain: str) -> time | None:
    found = _CLOCK.fullmatch(plain)
    if found is None or not plain:
        return None
    if found[2] is None:
        return time(_PARTS_OF_DAY[found[1]])
    hour = count(found[2])
    if hour is None:
        return None
    if found[1] in _AFTERNOON and hour < 12:
        hour += 12
    minute = 30 if found[4] else 15 * _DIGITS[found[5]] if found[5] else int(found[3] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def count(text: str) -> int | None:
    """Arabic or Chinese, up to 99."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.get(text)
    return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
