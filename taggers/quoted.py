"""Quoted words that are not taken up: 店员一直说“充卡划算”，我没理 wants no 充卡, however often it was said."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import Clauses

IGNORED: Final = "引的是别人的话，后面「{word}」没有采纳"
WORDINGS: Final = (IGNORED,)

_OPENING, _CLOSING = '“「『"‘《【', '”」』"’》】'
_FAR = 30
_CLAUSES_ON = 4
_UNMOVED = re.compile(
    r"(?P<word>没(?:搭?理|接[话茬]|答应|同意|听|信|上[^，]{0,3}当|让|回|吭声|当回事|要|买|办|做|报|搭腔|动心|往心里去|兴趣)|"
    r"不(?:信|理|听|吃(?:这|那)一?套|同意|稀罕|感冒|搭理|当回事|上当|要|买账|需要|用(?!问|急|等)|想|了$)|理都[没不]|"
    r"当(?:作|做)?(?:没听见|耳旁风|耳边风|放屁|他放屁|空气)|左耳|装(?:傻|聋|没听见|听不见|作没)|拒绝|回绝|推掉|推了|"
    r"直接(?:走|挂|拉黑|关|删|划走)|转身就?走|扭头就?走|(?:让|叫|请)(?:他|她|他们|人家)走|懒得|烦(?:得|死|人)|拉黑|"
    r"不是(?:问|说|要|冲着?|来问)(?:这|那)?个?|不(?:做|买|要|办|报|去|学|弄|装)(?:这|那)个|不(?:参加|去|买|报|办|凑[^，]{1,3})了|别(?:老|再|总)?(?:给我)?(?:发|推|提|念)|"
    r"(?:划|去|删|拿|减|扣)掉|屏蔽|换了?(?:一?家|人)|(?:才|所以)换|鬼才|谁信|骗(?:人|鬼|子)|扯淡|瞎扯|忽悠|呵呵|笑笑|绕着走|躲)"
)
_TAKEN_UP = re.compile(
    r"真的(?:吗|假的)|是不是(?:真|有|这样|说)|是真|有没有|怎么|多少|靠谱|可信|啥意思|什么意思|想问|想试|想要|心动|行吗|可以吗|给我|帮我(?!看看|看下)"
)


def refused(clauses: Clauses, start: int, end: int) -> str:
    """Say by what a word that others are quoted with is passed over; empty where it is not quoted, or is taken up."""
    closing = _closing(clauses.text, start, end)
    if closing < 0:
        return ""
    for begin, stop in [(closing + 1, _clause_end(clauses, closing)), *clauses.following(closing + 1, _CLAUSES_ON)]:
        said = clauses.text[begin:stop]
        if clauses.marked(stop):
            return ""
        if (found := _UNMOVED.search(said)) is not None:
            return IGNORED.format(word=found["word"])
        if _TAKEN_UP.search(said) is not None:
            return ""
    return ""


def _clause_end(clauses: Clauses, place: int) -> int:
    return next((stop for begin, stop in clauses.sentences if begin <= place < stop), place)


def _closing(text: str, start: int, end: int) -> int:
    """Where the quotation marks around the word close, or -1."""
    opening = max(text.rfind(mark, max(0, start - _FAR), start) for mark in _OPENING)
    if opening < 0:
        return -1
    mark = _CLOSING[_OPENING.index(text[opening])]
    if mark == text[opening]:  # the same sign opens and closes: an odd one opens
        if text.count(mark, 0, start) % 2 == 0:
            return -1
    elif text.find(mark, opening, start) >= 0:
        return -1
    return text.find(mark, end, end + _FAR)
