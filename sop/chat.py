"""Agents' chat commands, parsed leniently: 今日, 客户 张三, 完成 3, 推迟 3 明天, 移动 张三 体验课."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from rapidfuzz import process

from sop.workcalendar import Workcalendar

HELP = """可以这样写：
今日 —— 今天要跟进的客户
客户 张三 —— 他在哪个阶段、带什么标签、说过什么
完成 3 —— 单子里第 3 件已发送
推迟 3 明天 —— 也可以写 下午3点、周一10点、2小时后
移动 张三 体验课 —— 换一个阶段
帮助 —— 看这段说明"""


@dataclass(frozen=True, slots=True)
class Today:
    """The agent's list of the day."""


@dataclass(frozen=True, slots=True)
class Help:
    """How to write; `hint` says what was not understood."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Who is this customer."""

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """Number n of the list last shown is sent."""

    number: int


@dataclass(frozen=True, slots=True)
class Delay:
    """Number n comes later; `until` is an aware instant (UTC)."""

    number: int
    until: datetime


@dataclass(frozen=True, slots=True)
class MoveToStage:
    """Bring a customer into a stage; `words` are the name and the stage, in this order, not yet told apart."""

    words: str


Order = Today | Help | Lookup | Done | Delay | MoveToStage

_VERBS = {
    "今日": ("今日", "今天", "今日待办", "待办", "任务", "单子", "今日任务", "我的任务", "today"),
    "客户": ("客户", "查客户", "查", "查询", "看看", "customer"),
    "完成": ("完成", "已发送", "已发", "发了", "搞定", "done"),
    "推迟": ("推迟", "稍后", "延后", "延期", "改到", "later"),
    "移动": ("移动", "移到", "调到", "改阶段", "move"),
    "帮助": ("帮助", "help", "?", "怎么用", "菜单", "你好", "hi", "hello"),
}
_SPELLINGS = sorted(
    ((word, verb) for verb, words in _VERBS.items() for word in words), key=lambda pair: -len(pair[0])
)
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九十")} | {"两": 2, "〇": 0}
_NUMBER = re.compile(r"第?([0-9]{1,3}|[一二两三四五六七八九十]{1,3})(?:个|件|号|条|位)?[,、:]?")


def read_order(text: str, now: datetime, calendar: Workcalendar) -> Order:
    """Read one message. Full width, case, spaces, punctuation at the ends do not matter; a slip gets a hint."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split()).strip(" 。,!~")
    verb, rest = _verb(plain)
    if verb is None:
        return Help(_guess(plain))
    return _READERS[verb](rest, now, calendar)


def read_when(text: str, now: datetime, calendar: Workcalendar) -> datetime | None:
    """Read 明天, 后天上午, 周一10点, 下午3点半, 2小时后, 30分钟后, 11-25 10:00; the next such instant, or None.

    A day without a time means opening time; a time without a day that is past today means tomorrow.
    """
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").strip("到至")
    later = _SPAN.fullmatch(plain)
    if later is not None:
        count = 0.5 if later[1] == "半" else _count(later[1])
        return None if count is None else now + count * _SPANS[later[2]]
    today = calendar.local(now).date()
    day, rest = _day(plain, today)
    clock = _clock(rest)
    if clock is None and (day is None or rest):
        return None
    at = calendar.instant(day or today, clock or calendar.opens_at)
    if at > now:
        return at
    return calendar.instant(today + timedelta(days=1), clock) if day is None and clock else None


def _verb(plain: str) -> tuple[str | None, str]:
    for word, verb in _SPELLINGS:
        if plain.startswith(word):
            return verb, plain[len(word) :].strip(" :,")
    return None, plain


def _guess(plain: str) -> str:
    near = process.extractOne(plain[:4], [word for word, _ in _SPELLINGS], score_cutoff=50) if plain else None
    return f"没看懂「{plain[:20]}」" + (f"，是不是想说「{near[0]}」？" if near else "") if plain else ""


def _today(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Today()


def _help(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Help()


def _lookup(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Lookup(rest) if rest else Help("写上客户的名字，例如：客户 张三")


def _done(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    found = _NUMBER.fullmatch(rest)
    number = _count(found[1]) if found else None
    return Done(number) if number else Help("写上单子里的编号，例如：完成 3")


def _delay(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    found = _NUMBER.match(rest)
    number = _count(found[1]) if found else None
    if found is None or not number:
        return Help("写上单子里的编号，例如：推迟 3 明天")
    words = rest[found.end() :].strip()
    until = read_when(words, now, calendar) if words else read_when("明天", now, calendar)
    return Delay(number, until) if until else Help(f"没看懂时间「{words}」，可以写 明天、下午3点、周一10点、2小时后")


def _shift(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return MoveToStage(rest) if rest else Help("写上客户和阶段，例如：移动 张三 体验课")


_READERS: dict[str, Callable[[str, datetime, Workcalendar], Order]] = {
    "今日": _today, "客户": _lookup, "完成": _done, "推迟": _delay, "移动": _shift, "帮助": _help,
}  # fmt: skip


def split_shift(words: str, stages: Sequence[str]) -> tuple[str, str] | None:
    """Tell the customer's name from the stage in 张三 体验课, 张三到体验课 or 张三体验课; None without a stage."""
    plain = words.replace(" ", "")
    if plain in (_bare(stage) for stage in stages):
        return None
    for stage in sorted(stages, key=len, reverse=True):
        bare = _bare(stage)
        if plain.endswith(bare) and len(plain) > len(bare):
            name = plain[: -len(bare)].removesuffix("到").removesuffix("移")
            return (name, stage) if name else None
    return None


def _bare(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().replace(" ", "")


_SPAN = re.compile(r"(半|[0-9]{1,3}|[一二两三四五六七八九十]{1,3})个?(分钟|小时|钟头|天|周|星期)(?:后|以后|之后)?")
_SPANS = {
    "分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "钟头": timedelta(hours=1),
    "天": timedelta(days=1), "周": timedelta(weeks=1), "星期": timedelta(weeks=1),
}  # fmt: skip
_DAYS = {"今天": 0, "今日": 0, "今晚": 0, "明天": 1, "明日": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3}
_WEEKDAY = re.compile(r"(下*)(?:周|星期|礼拜)([一二三四五六日天])")
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
    hour = _count(found[2])
    if hour is None:
        return None
    if found[1] in _AFTERNOON and hour < 12:
        hour += 12
    minute = 30 if found[4] else 15 * _DIGITS[found[5]] if found[5] else int(found[3] or 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _count(text: str) -> int | None:
    """Arabic or Chinese, up to 99."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _DIGITS.get(text)
    return (_DIGITS.get(tens, 1) if tens else 1) * 10 + (_DIGITS.get(ones, 0) if ones else 0)
