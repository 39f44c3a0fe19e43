"""Moments and spans of time as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

_DAYS = {"zh": {-1: "昨天 ", 0: "", 1: "明天 ", 2: "后天 "}, "en": {-1: "yesterday ", 0: "", 1: "tomorrow "}}
_DATE = {"zh": "{0.month}月{0.day}日 ", "en": "{0:%b} {0.day} "}
_YEAR = {"zh": "{0.year}年", "en": "{0.year} "}
_UNITS = {
    "zh": (" 天", " 小时", " 分钟", "刚刚"),
    "en": ("d", "h", "min", "just now"),
}


def moment(at: datetime, now: datetime, zone: tzinfo, language: str) -> str:
    """The time of day, with the day unless it is today: 10:00, 明天 10:00, 11月3日 10:00."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    day = _DAYS[language].get((local.date() - today).days)
    if day is None:
        day = _DATE[language].format(local)
        if local.year != today.year:
            day = _YEAR[language].format(local) + day
    return f"{day}{local:%H:%M}"


def span(length: timedelta, language: str) -> str:
    """A length of time by its largest unit: 3 天, 5 小时, 12 分钟, 刚刚."""
    days, hours, minutes, fresh = _UNITS[language]
    seconds = max(0, int(length.total_seconds()))
    for size, unit in ((86400, days), (3600, hours), (60, minutes)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return fresh


def ago(length: timedelta, language: str) -> str:
    """How long ago something was: 3 天前, 刚刚."""
    text = span(length, language)
    return text if text == _UNITS[language][3] else f"{text} ago" if language == "en" else f"{text}前"


def measured(seconds: float, language: str) -> str:
    """A measured length of time with one decimal of its largest unit: 45 秒, 12.5 分钟, 3.2 小时, 2.0 天."""
    for size, zh, en in ((86400, " 天", " d"), (3600, " 小时", " h"), (60, " 分钟", " min")):
        if seconds >= size:
            return f"{seconds / size:.1f}{en if language == 'en' else zh}"
    return f"{seconds:.0f}{' s' if language == 'en' else ' 秒'}"
