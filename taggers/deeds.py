"""What is promised: the kind of deed (send, call, ask, confirm, arrange, come, other) and its object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Deed = Literal["send", "call", "ask", "confirm", "arrange", "come", "pay", "other"]

_DEEDS: tuple[tuple[Deed, re.Pattern[str]], ...] = (
    ("call", re.compile(r"电话|致电|回电|回拨|拨|打给|打过去|打视频|视频给|回访|联系(?:您|你)|通话")),
    (
        "confirm",
        re.compile(r"答复|回复|回话|回信|准信|准话|确认|敲定|回(?:您|你)|告诉|通知|告知|消息|结果|反馈给|说一声"),
    ),
    ("ask", re.compile(r"问|查|核实|核对|了解|打听|看看|看一下|看下|请示|请教|催|沟通|反馈|跟.{1,4}说")),
    ("pay", re.compile(r"付|转账|打款|退款|退费|退给|到账|交(?:钱|款|定金|费)|定金")),
    (
        "come",
        re.compile(r"上门|(?<![寄发传送转打拿带退汇付拍推捎])过去|到(?:您|你)家|到店|去店|参观|量房|接(?:您|你)"),
    ),
    ("arrange", re.compile(r"安排|约|登记|留|开通|办|排|订|申请|拉.{0,2}群|处理|派|加(?:您|你)|协调|下单|准备|让")),
    ("send", re.compile(r"发|传|寄|送|推|转|拍|给|快递|出图|出.{0,2}方案|整理|做|拿|带|报")),
)
_TAKEN = re.compile(
    r"把(?P<what>[^把]{1,20}?)(?:再|都|先|整理|发|传|寄|送|推|转|拍|给|跟|做|弄|打印|带|开|办|定|备|存|算|看|写|留)"
)
_BEHIND = re.compile(
    r"(?:发|传|寄|送|推|转|拍|给|出|做|整理|准备|开|办|申请|问|查|核实|确认|安排|约|留)(?:一下|下|个|一个|一份|"
    r"份|送|出|好|到|"
    r"过去)*(?P<what>[^您你我的了哈哦吧呢啊呀]{1,16})"
)
_TRIM = re.compile(
    r"^(?:那|好的?|嗯+|亲|我们?|这边|就|会|再|先|您|你|给|帮|替|为|一下|下)+|(?:过去|过来|出来|一下|都|就|会|再|"
    r"哈|哦|呢|啊|呀|了|的|吧)+$"
)
_NO_THING = re.compile(r"^(?:您|你|我|过去|过来|看看|看|的|了|哈|吧|一下|下|上|出来)*$")


def deed_of(words: str) -> Deed:
    """Name the kind of deed by its words."""
    return next((deed for deed, pattern in _DEEDS if pattern.search(words)), "other")


def object_of(text: str, at: int, times: Iterable[tuple[int, int]]) -> str:
    """Give what the deed at a place of the clause is done to, as typed; empty where it is not named."""
    clear = _blanked(text, times)
    taken = _TAKEN.search(clear)
    behind = _BEHIND.search(clear, at)
    for what in (taken and taken["what"], behind and behind["what"], clear[:at]):
        thing = _TRIM.sub("", (what or "").replace(" ", ""))
        if thing and len(thing) <= 16 and _NO_THING.match(thing) is None:
            return thing
    return ""


def _blanked(text: str, times: Iterable[tuple[int, int]]) -> str:
    for start, end in times:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
