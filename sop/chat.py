"""Agents' chat commands, parsed leniently: 今日, 客户 张三, 完成 3, 提醒 张三 明天10点 发合同, 撤销, …"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime

from rapidfuzz import process

from sop.chat_orders import (
    Delay,
    Done,
    FindWords,
    Help,
    Lookup,
    MoveToStage,
    Order,
    Pick,
    Remind,
    TakeBack,
    Today,
    WhatToSay,
    WriteNote,
)
from sop.slips import is_slip, unquoted
from sop.when import count, read_when
from sop.workcalendar import Workcalendar

_HELP = """可以这样写：
今日 —— 今天要跟进的客户
客户 {name} —— 在哪个阶段、带什么标签、说过什么
3 —— 看单子里的第 3 件
完成 3 —— 第 3 件已发送，也可以写 完成 {name}
推迟 3 明天 —— 也可以写 下午3点、周一10点、2小时后
移动 {name} {stage} —— 换一个阶段
提醒 {name} 明天10点 发合同 —— 到时候提醒您；客户回了或您做了，会自己结束
备注 {name} 预算三万，周末有空 —— 记在客户资料里
回复 {name} —— 现在最合适的三句话
话术 发票 —— 在知识库里找一句话，也可以写拼音首字母：话术 fp
撤销 —— 收回刚才的完成、推迟、移动、提醒或备注
帮助 —— 看这段说明"""
_TO_MOVE = "写上客户和阶段，例如：移动 {name} {stage}"
_MISSING = {
    "提醒": "写上客户、时间和要做的事，例如：提醒 {name} 明天10点 发合同",
    "备注": "写上客户和要记的话，例如：备注 {name} 预算三万，周末有空",
}


_VERBS = {
    "今日": ("今日", "今天", "今日待办", "待办", "任务", "单子", "今日任务", "我的任务", "today"),
    "客户": ("客户", "查客户", "查", "查询", "看看", "customer"),
    "完成": ("完成", "已发送", "已发", "发了", "搞定", "done"),
    "推迟": ("推迟", "稍后", "延后", "延期", "改到", "later"),
    "移动": ("移动", "移到", "调到", "改阶段", "move"),
    "提醒": ("提醒我", "提醒", "remind"),
    "备注": ("备注", "记一下", "记一笔", "笔记", "note"),
    "回复": ("怎么回复", "回复", "怎么回", "怎么说", "reply"),
    "话术": ("找话术", "话术", "wording"),
    "撤销": ("撤销", "撤消", "撤回", "反悔", "收回", "还原", "undo"),
    "帮助": ("帮助", "help", "?", "怎么用", "菜单", "你好", "hi", "hello"),
}
_SPELLINGS = sorted(
    ((word, verb) for verb, words in _VERBS.items() for word in words), key=lambda pair: -len(pair[0])
)
_LONGEST_NAME = 32
_ABOUT_TIME = re.compile(r"[天点周月日号早晚午后]|小时|分钟|星期|[0-9]")
_POLITE = re.compile(r"(?:请|麻烦|帮我|帮忙|我要|我想|已经|已|把|将|给我)+\s*")
_INSIDE = re.compile(r"(.{1,12}?)\s*(推迟|延后|延期|移动|移|调|挪)\s*(?:到|至)?\s*(.+)")
_NUMBERS = re.compile(r"\d{1,3}(?:(?:\s*[、,和]\s*|\s+)\d{1,3})+")
_NUMBER = re.compile(r"第?([0-9]{1,3}|[一二两三四五六七八九十]{1,3})(?:个|件|号|条|位)?[,、:]?")


def read_order(text: str, now: datetime, calendar: Workcalendar) -> Order:
    """Read one message. Full width, case, spaces, punctuation at the ends do not matter; a slip gets a hint."""
    text = unquoted(text)
    plain = " ".join(_plain(text).split()).strip(" 。,!~、.:;#()@")
    verb, rest = _verb(plain)
    if verb is None:
        verb, rest = _asked_nicely(plain)
    if verb is None:
        return _without_verb(plain, now, calendar)
    if verb in _MISSING:
        return _as_typed(verb, text)
    return _READERS[verb](rest, now, calendar)


def _verb(plain: str) -> tuple[str | None, str]:
    for word, verb in _SPELLINGS:
        if plain.startswith(word):
            return verb, plain[len(word) :].removeprefix("一下").strip(" :,@")
    return None, plain


def _asked_nicely(plain: str) -> tuple[str | None, str]:
    """An order behind polite words: 帮我撤销, 已完成 1."""
    polite = _POLITE.match(plain)
    return _verb(plain[polite.end() :]) if polite else (None, plain)


def _as_typed(verb: str, text: str) -> Order:
    """An order with words of the agent's own, which are kept as they were typed."""
    typed = " ".join(text.split())
    said = [word for word, of in _SPELLINGS if of == verb]
    places = ((at, word) for at in range(len(typed)) for word in said if _plain(typed[at : at + len(word)]) == word)
    at, word = next(places, (0, ""))
    words = typed[at + len(word) :].strip(" :：,，")
    if not words:
        return Help(_MISSING[verb])
    return Remind(words) if verb == "提醒" else WriteNote(words)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _without_verb(plain: str, now: datetime, calendar: Workcalendar) -> Order:
    """A bare number, or a verb behind its object: 张三完成了, 1推迟到明天, 把张三移到体验课; else help."""
    number, joined = _number(plain), plain.replace(" ", "")
    if number:
        return Pick(number)
    if is_slip(joined):
        return TakeBack()
    if joined != plain and (joined, _verb(joined)[0]) in _SPELLINGS:
        return read_order(joined, now, calendar)
    ended = plain.rstrip("了啦吧哦")
    for word in _VERBS["完成"]:
        for told in (plain, ended):
            if told.endswith(word) and len(told) > len(word):
                return _done(_bare_of_politeness(told.removesuffix(word).strip(" :,")), None, None)
    inside = _INSIDE.fullmatch(_bare_of_politeness(plain))
    if inside is None:
        return Help(_guess(plain))
    name, word, rest = inside.groups()
    if word in _VERBS["推迟"]:
        order = _delay(f"{name} {rest}", now, calendar)
        return order if isinstance(order, Delay) else Help(_guess(plain))
    return MoveToStage(f"{name} {rest}")


def _bare_of_politeness(plain: str) -> str:
    polite = _POLITE.match(plain)
    return plain[polite.end() :] if polite else plain


def _number(text: str) -> int | None:
    found = _NUMBER.fullmatch(text)
    return count(found[1]) if found else None


def _guess(plain: str) -> str:
    near = process.extractOne(plain[:4], [word for word, _ in _SPELLINGS], score_cutoff=50) if plain else None
    return f"没看懂「{plain[:20]}」" + (f"，是不是想说「{near[0]}」？" if near else "") if plain else ""


def _today(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Today()


def _help(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Help()


def _lookup(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return Lookup(rest) if rest else Help("写上客户的名字，例如：客户 {name}")


def _done(rest: str, now: datetime | None, calendar: Workcalendar | None) -> Order:
    number = _number(rest) or _number(rest.rstrip("了啦吧哦"))
    if number:
        return Done(number)
    if _NUMBERS.fullmatch(rest):
        return Help("一次写一个编号，例如：完成 3")
    return Done(0, rest) if rest and len(rest) <= _LONGEST_NAME else Help("写上单子里的编号或客户，例如：完成 3")


def _delay(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    found = _NUMBER.match(rest)
    number = count(found[1]) if found else None
    if found is None or not number:
        return _delay_of(rest, now, calendar) if rest else Help("写上单子里的编号，例如：推迟 3 明天")
    words = rest[found.end() :].strip()
    until = read_when(words, now, calendar) if words else read_when("明天", now, calendar)
    return Delay(number, until) if until else _unclear_time(words)


def _delay_of(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    """推迟 张三 明天下午3点: the name ends where a time begins; without a time it is tomorrow."""
    for end in range(1, min(len(rest), _LONGEST_NAME + 1)):
        words = rest[end:].strip()
        until = read_when(words, now, calendar) if _ABOUT_TIME.search(words) else None  # 三 of 张三 is no hour
        if until is not None:
            return Delay(0, until, rest[:end].strip(" :,"))
    _, blank, words = rest.partition(" ")
    tomorrow = read_when("明天", now, calendar)
    if tomorrow is None or len(rest) > _LONGEST_NAME or (blank and _ABOUT_TIME.search(words)):
        return _unclear_time(words or rest)
    return Delay(0, tomorrow, rest)


def _unclear_time(words: str) -> Help:
    return Help(f"没看懂时间「{words[:20]}」，可以写 明天、下午3点、周一10点、2小时后")


def _shift(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return MoveToStage(rest) if rest else Help(_TO_MOVE)


def _what_to_say(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return WhatToSay(rest) if rest else Help("写上客户的名字，例如：回复 {name}")


def _find_words(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return FindWords(rest) if rest else Help("写上要找的话，例如：话术 发票")


def _take_back(rest: str, now: datetime, calendar: Workcalendar) -> Order:
    return TakeBack()


def help_text(hint: str, name: str, stage: str) -> str:
    """The help, with a customer and a stage of the reader's own as examples, below what was not understood."""
    whole = f"{hint}\n{_HELP}" if hint else _HELP
    return whole.replace("{name}", name).replace("{stage}", stage)


_READERS: dict[str, Callable[[str, datetime, Workcalendar], Order]] = {
    "今日": _today, "客户": _lookup, "完成": _done, "推迟": _delay, "移动": _shift, "回复": _what_to_say,
    "话术": _find_words, "撤销": _take_back, "帮助": _help,
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
