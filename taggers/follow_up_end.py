"""Ends of follow-ups: whether a message shows that what an agent wanted to be reminded of is done or out of date.

Precision before recall: a reminder that comes although all is done costs a tap, one that never comes a customer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from taggers.closing import USUAL, Closings
from taggers.deeds import deed_of
from taggers.fold import fold
from taggers.promise import promises
from taggers.segment import BLOCK, Segmenter
from taggers.wants_answer import SILENT_KINDS
from taggers.workdays import Workdays

Ending = Literal["reply", "evidence"]

CALLS = frozenset(("voiptext", "meeting_voice_call", "voip", "meeting"))
PICTURES = frozenset(("image", "video"))
SENT = PICTURES | {"file", "link", "weapp", "location", "card", "docmsg", "news", "qydiskfile", "mixed", "note"}
_AHEAD = timedelta(hours=2)
"""A follow-up that names nothing but the customer is done by what is said to them from so long before it is due."""

_AWAITS = re.compile(
    r"(?:没|不|未|还没|等)(?:回|回复|消息|答复|回信|回话|理)|[没不]回|等(?:他|她|客户|对方|ta|人家)"
    r"|(?:考虑|想|商量|决定|定)(?:得|的)?(?:怎么样|如何|好没|好了?没|好了?吗|了没|没有)|催"
)
_ANY = re.compile(
    r"^(?:再|去|给|和|跟|与|他|她|ta|客户|对方|一下|下|次|跟进|联系|回访|问候|关心|看看|聊聊?|维护|打个?招呼|说一声|问一?下|\s)*$"
)
_SAYS_SENT = re.compile(
    r"(?:发|传|寄|推|转|送)(?:您|你|给您|给你|过去|群里|出)?(?:邮箱|微信)?了|已经?[发寄传推]|查收|如下|https?://|这是"
)
_SAYS_CALLED = re.compile(
    r"(?:打|拨|通)(?:了|过).{0,4}电话|电话.{0,6}(?:打过|打了|没接|未接|里说|里讲)|刚(?:刚|才)?.{0,4}(?:电话|通话)"
)
_FILE = re.compile(r"合同|协议|文件|文档|表|方案|报价|大纲|资料|ppt|pdf|发票|链接|地址|定位|名片|小程序")
_PICTURE = re.compile(r"图|照片|海报|截图|视频")
_IDLE = frozenset(
    re.findall(
        r"\S+", "一下 客户 对方 他们 她们 提醒 记得 跟进 联系 这个 那个 事情 情况 问问 看看 告诉 安排 确认 通知"
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was to be done, when that was written down, and when it was to be remembered."""

    what: str
    since: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the talk with that customer."""

    by: Literal["customer", "agent"]
    text: str
    kind: str
    at: datetime


def ending(wanted: Wanted, said: Said, workdays: Workdays, closings: Closings = USUAL) -> Ending | None:
    """What the message is to the follow-up; None where it stays open."""
    if said.at <= wanted.since or said.kind in SILENT_KINDS:
        return None
    what = fold(wanted.what)
    if said.by == "customer":
        return "reply" if _answers(what, said, closings) else None
    return "evidence" if _does(what, wanted, said, workdays, closings) else None


def _answers(what: str, said: Said, closings: Closings) -> bool:
    """Whether the customer's word is what was waited for: any that does not merely end a talk."""
    if what and _AWAITS.search(what) is None:
        return False
    return said.kind not in ("text", "mixed") or not closings.closes(fold(said.text))


@cache
def _segmenter() -> Segmenter:
    return Segmenter()


def _does(what: str, wanted: Wanted, said: Said, workdays: Workdays, closings: Closings) -> bool:
    deed, near = deed_of(what), said.at >= wanted.due - _AHEAD
    if said.kind in CALLS:
        return deed == "call" or (near and _ANY.match(what) is not None)
    if said.kind in SENT:
        return deed == "send" and _is_what(what, said.kind)
    if said.kind != "text" or closings.closes(fold(said.text)):
        return False
    if _ANY.match(what):
        return near
    return not promises(said.text, said.at, workdays) and _tells(what, deed, fold(said.text))


def _is_what(what: str, kind: str) -> bool:
    """Whether a message of this kind may be what was to be sent: a picture is no contract."""
    return _PICTURE.search(what) is not None or (kind not in PICTURES or _FILE.search(what) is None)


def _tells(what: str, deed: str, text: str) -> bool:
    """Whether what was written says that it is done."""
    if deed == "call":
        return _SAYS_CALLED.search(text) is not None
    touched = any(word in text for word in _topic(what))
    return touched and (deed != "send" or _SAYS_SENT.search(text) is not None)


def _topic(what: str) -> frozenset[str]:
    words = (word for block in BLOCK.findall(what) for word in _segmenter().words(block))
    return frozenset(word for word in words if len(word) > 1 and word not in _IDLE)
