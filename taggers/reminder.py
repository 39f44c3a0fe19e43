"""Reminders: when an agent wants to be reminded of a customer, and of what, read from what they wrote.

A reminder comes when something begins, a promise is due when it ends: of 明天 the opening of work is meant, of 上午
its middle. An hour that was named is taken as it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from taggers.due import Due, dues
from taggers.fold import read
from taggers.workdays import Workdays

_HOUR = re.compile(r"[点时:：]|小时|钟头|分钟|刻钟|min|h|马上|立[马刻即]|这就|现在")
_PART = re.compile(r"[早中晚夜晨午]|清早|傍晚")
_CLOSING = re.compile(r"下班|收工|打烊|关门|闭店|收班")
_EARLIER = {"part": timedelta(hours=2), "closing": timedelta(minutes=30)}
_SOON = timedelta(hours=1)
_BEHIND = re.compile(r"^(?:之?后|以后|之?前|以前|左右|的时候|时)(?![天年])")
_AROUND = " \t,，。.、;；:：!！~～-—\n"
_LEAD = re.compile(
    r"(?:(?:请|麻烦)?(?:提醒|叫|喊)(?:一?下)?我?|记得|别忘了?|要|去|再|的时候|之前|前|时|左右|吧|哈|我)+(?=[^\s])"
)

_TO = re.compile(r"^(?:给|跟|和|找|约|联系|回复?|催|问)一?下?(?=.)")


@dataclass(frozen=True, slots=True)
class Wish:
    """When to remind (UTC; None where no time was named), of what, and the words of the time as they were typed."""

    at: datetime | None
    what: str
    words: str = ""


def read_wish(text: str, said: datetime, workdays: Workdays) -> Wish:
    """Take the first time out of what was written; what is left is what the reminder is about."""
    reading = read(text)[0]
    found = dues(reading.text, said, workdays)
    if not found:
        return Wish(None, _tidy(text))
    due = found[0]
    start, end = reading.span(due.start, due.end)
    behind = _BEHIND.sub("", text[end:].lstrip(_AROUND))
    left = f"{text[:start].rstrip(_AROUND)} {behind.lstrip(_AROUND)}"
    return Wish(_begin(due, reading.text[due.start : due.end], said, workdays), _tidy(left), text[start:end].strip())


def time_last(text: str, said: datetime, workdays: Workdays) -> str:
    """The same with its first time behind the rest: 明天10点给张三发合同 begins with 张三 then."""
    wish = read_wish(text, said, workdays)
    return f"{_TO.sub('', wish.what)} {wish.words}".strip() if wish.words else text


def _tidy(text: str) -> str:
    plain = text.strip(_AROUND)
    lead = _LEAD.match(plain)
    return plain if lead is None else plain[lead.end() :].strip(_AROUND)


def _begin(due: Due, words: str, said: datetime, workdays: Workdays) -> datetime:
    if due.wide:
        return _on_day(due, said, workdays)
    if _CLOSING.search(words):
        return _before(due.at, _EARLIER["closing"], said)
    if _PART.search(words) and not _HOUR.search(words):
        return _before(due.at, _EARLIER["part"], said)
    return due.at


def _before(at: datetime, length: timedelta, said: datetime) -> datetime:
    return at - length if at - length > said else at


def _on_day(due: Due, said: datetime, workdays: Workdays) -> datetime:
    """The opening of work on that day, of a week on its last working day; today in an hour, within the day."""
    day, today = due.at.astimezone(workdays.zone).date(), said.astimezone(workdays.zone).date()
    while day > today + timedelta(days=1) and not workdays.is_workday(day) and day.weekday() == 6:
        day -= timedelta(days=1)
    opens = workdays.hours_of(day)[0]
    return opens if opens > said else min(said + _SOON, due.at)
