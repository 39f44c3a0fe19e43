"""Reads a length of time as people write it: 30m, 24h, 7d, 30天, 一周, 1.5小时, 2小时30分钟, 半年.

It stands in sop.lengths as well, since the two packages do not import one another; a test compares them.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

_DAY = timedelta(days=1)
_YEAR = 365 * _DAY
_UNITS = {
    timedelta(seconds=1): ("s", "sec", "secs", "second", "seconds", "秒", "秒钟"),
    timedelta(minutes=1): ("m", "min", "mins", "minute", "minutes", "分", "分钟"),
    timedelta(minutes=15): ("刻", "刻钟"),
    timedelta(hours=1): ("h", "hour", "hours", "小时", "钟头", "时"),
    _DAY: ("d", "day", "days", "天", "日"),
    7 * _DAY: ("w", "week", "weeks", "周", "星期", "礼拜"),
    30 * _DAY: ("month", "months", "月"),
    _YEAR: ("year", "years", "年"),
}
_UNIT = {name: length for length, names in _UNITS.items() for name in names}
_WRITTEN = re.compile(
    r"(半|\d{1,6}(?:\.\d{1,2})?|[零一二两三四五六七八九十百]{1,7})\s*(个)?(半)?\s*([a-z]+|[秒分刻钟小时头天日周星期礼拜月年]+)(半)?"
)
_JOINT = re.compile(r"\s*[又零和加]?\s*")
_MOST_YEARS = 100
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2}


def read_length(written: str) -> timedelta | None:
    """The length that a text names; None where it names none. A month is 30 days, a year 365, half a year 180."""
    text = unicodedata.normalize("NFKC", written).strip().lower()
    whole, before, place, end = timedelta(0), timedelta.max, 0, 0
    while (found := _WRITTEN.match(text, place)) is not None:
        piece = _piece(*found.groups())
        if piece is None or piece[1] >= before:
            return None  # 30分钟2小时 is a slip
        whole, before, end = whole + piece[0], piece[1], found.end()
        joint = _JOINT.match(text, end)
        place = joint.end() if joint else end
    return whole if 0 < end == len(text) else None


def _piece(
    number: str, counted: str | None, half_of: str | None, name: str, half_more: str | None
) -> tuple[timedelta, timedelta] | None:
    """One number with its unit, and the unit."""
    unit = _UNIT.get(name)
    halves = [number == "半", half_of is not None, half_more is not None]
    if unit is None or (name == "月" and not counted) or sum(halves) > 1:
        return None  # 3月 is a date, and 半个半 nothing
    half = timedelta(0) if not any(halves) else 6 * 30 * _DAY if unit == _YEAR else unit / 2
    count = 0 if number == "半" else _number(number)
    if count is None or (unit == _YEAR and count > _MOST_YEARS):
        return None  # 2026年 is a date
    return count * unit + half, unit


def _number(text: str) -> float | None:
    """Digits, with decimals too, or a Chinese numeral below a thousand; None where the numeral is none."""
    if text[0].isdecimal():
        return float(text) if "." in text else int(text)
    total, digit, below = 0, None, 1000
    for sign in text:
        size = {"十": 10, "百": 100}.get(sign)
        if size is None:
            if digit:  # two digits in a row: 三四天 is about three or four
                return None
            digit = _DIGITS[sign]
        elif size >= below or (digit is None and (total or size == 100)):
            return None
        else:
            total, digit, below = total + (1 if digit is None else digit) * size, None, size
    return total + (digit or 0)
