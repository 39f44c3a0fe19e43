"""Reads a length of time as people write it: 30m, 24h, 7d, 30天, 一周, 2小时, 半个月.

It stands in sop.lengths as well, since the two packages do not import one another; a test compares them.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

_DAY = timedelta(days=1)
_UNITS = {
    timedelta(seconds=1): ("s", "sec", "secs", "second", "seconds", "秒", "秒钟"),
    timedelta(minutes=1): ("m", "min", "mins", "minute", "minutes", "分", "分钟"),
    timedelta(hours=1): ("h", "hour", "hours", "小时", "钟头", "时"),
    _DAY: ("d", "day", "days", "天", "日"),
    7 * _DAY: ("w", "week", "weeks", "周", "星期", "礼拜"),
    30 * _DAY: ("month", "months", "月"),
}
_UNIT = {name: length for length, names in _UNITS.items() for name in names}
_WRITTEN = re.compile(
    r"(半|\d{1,6}|[零一二两三四五六七八九十百]{1,7})\s*(个)?(半)?\s*([a-z]+|[秒分钟小时头天日周星期礼拜月]+)(半)?"
)
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2}


def read_length(written: str) -> timedelta | None:
    """The length that a text names; None where it names none. A month is 30 days."""
    found = _WRITTEN.fullmatch(unicodedata.normalize("NFKC", written).strip().lower())
    if found is None:
        return None
    number, counted, half_of, name, half_more = found.groups()
    unit = _UNIT.get(name)
    if unit is None or (name == "月" and not counted) or (number == "半" and (half_of or half_more)):
        return None  # 3月 is a date, and 半个半 nothing
    half = unit / 2 if number == "半" or half_of or half_more else timedelta(0)
    if half_of and half_more:
        return None
    count = 0 if number == "半" else _number(number)
    return None if count is None else count * unit + half


def _number(text: str) -> int | None:
    """Digits, or a Chinese numeral below a thousand; None where the numeral is none."""
    if text.isdecimal():
        return int(text)
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
