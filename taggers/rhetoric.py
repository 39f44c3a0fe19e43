"""Rhetorical refusals and guesses: 谁稀罕你们的礼盒 wants none, 你们不送货吧 only asks whether it is so."""

from __future__ import annotations

import re
from typing import Final

REFUSED: Final = "反问「{word}」，其实是不要"
NAGGED: Final = "嫌「{word}」没完没了，其实是不要"
WORDINGS: Final = (REFUSED, NAGGED)

_FAR = 24
_BEHIND = 14
_TELLING = frozenset("与什啥谁哪鬼傻疯时我犯还天老总停一又")
_SPEND = r"闲钱|余钱|钱|闲心|心情|心思|时间|[工功]夫|精力|空|必要|预算|力气|兴致|兴趣|脸"
_USE = r"坐|穿|戴|打|写|寄|玩|住|喝|订|开|买|用|听|看|学|办|报|来|去|信|装|吃|喝|交|花|要|参加"
_NOBODY_WANTS = (
    r"谁(?:还|会|要|爱|想|又|真)*(?:稀罕|在乎|看得上|用得[着上]|愿意)|"
    r"谁(?:会|还)*(?:没事|吃饱了|闲得|吃撑)|"
    rf"谁(?:要|爱|想要?)(?:{_USE})?(?:你们?|您|这|那)|谁家?(?:会|还)+(?:{_USE})|(?:鬼|傻子|傻瓜|神经病|有病|疯了?|脑子.{{1,4}})才(?:会|要|想|去|来)?|"
    rf"(?:哪个|哪有|什么|啥)(?:人|傻子|傻瓜|冤大头|笨蛋|神经病)(?:才|会|肯|愿意|还|要)+(?:{_USE})?|与其(?![^，]*不如)"
)
_NO_MEANS = rf"哪(?:里|儿)?(?:还|来|能|会|又)*(?:有|的)(?:那个?|这个?|什么|闲|多余|那么多|这么多|功夫和)*(?:{_SPEND})"
_NO_MEANS_ASKED = rf"我们?(?:家)?(?:像是?|有)(?:那个?|这个?|要|会|什么|多余的?|那么多|这么多)*(?:{_SPEND})"
_NEVER_SAID = (
    r"我们?哪(?:里|儿)?有?[一-龥]{1,2}过|我们?哪(?:里|儿)?(?:有)?(?:说|提|讲|答应|同意|要求)过?|"
    r"我们?(?:到底|是|又)*(?:什么时候|啥时候?|几时|何时)(?:有)?(?:说|提|讲|答应|同意|要求|申请|承诺|下|订|办|报|买|点|签)过?"
)
# 我疯了吗还报…
_MAD = r"我们?(?:是|又|真)*(?:疯|傻|有病|闲的|闲得慌|吃饱了撑的)了?(?:吗|么|啊)?(?:还|才|会|要|去)+"
_RHETORICAL = re.compile(
    rf"(?P<word>{_NOBODY_WANTS}|{_NO_MEANS}|{_NO_MEANS_ASKED}|{_NEVER_SAID}|{_MAD}|犯得[着上]|我(?:看着|长得|看起来)?像是?|"
    r"还(?:谈|说|提|搞|弄|聊)(?:什么|啥))[^，]{0,6}$"
)
_NAGGING = re.compile(
    r"(?P<word>(?:一天[^，]{1,3}(?:个|次|遍|回)|天天|老是?|总是?|整天|成天|一天到晚|没完没了|不停|一直|又|隔三差五)[^，]{0,6}?(?:推销|推荐|骚扰|打电话|发|推|催|介绍|问|拉|喊|劝|缠))[^，]{0,6}$"
)
_ENOUGH = re.compile(r"烦|够了|受不了|拉黑|屏蔽|举报|有完没完|骚扰|吐了|消停|能不能停")
_DRAWN = re.compile(r"呢$")
_CANNOT_EVEN = re.compile(r"[都也连].{0,6}[不没]|[不没].{0,6}[起了]")

_WHETHER = re.compile(r"(?:是不是|会不会|该不会|是否|不会是)[^，]{0,8}$")
_PROVIDER = re.compile(
    r"(?:你们?|您们?|贵[司店院校]|[这那](?:里|儿|边|家|个店)|(?<!别)店里?|客服|老师|公司|学校|酒店|平台)[^，我]{0,6}$"
)
_GUESS = re.compile(r"(?:应该|估计|大概|可能|貌似|好像|一般|现在)(?:就|都|也|是)*$")
_GUESSING = frozenset(("不会", "不可能", "不能"))
_OWN_WILL = re.compile(r"我们?(?:应该|估计|大概|可能|就|也|还是|那)*$")


def refused(clauses_text: str, left: int, right: int, start: int, end: int) -> str:
    """Say by what in front of start..end it is refused though nothing is denied; empty if there is nothing."""
    head = clauses_text[max(left, start - _FAR) : start]
    if not head or _TELLING.isdisjoint(head):
        return ""
    found = _RHETORICAL.search(head)
    if found is not None:
        return REFUSED.format(word=found["word"])
    nagging = _NAGGING.search(head)
    around = clauses_text[max(0, left - _BEHIND) : left] + clauses_text[end : end + _BEHIND]
    if nagging is not None and _ENOUGH.search(around):
        return NAGGED.format(word=nagging["word"])
    drawn = head == "还" and _DRAWN.search(clauses_text, end, right) is not None
    return REFUSED.format(word="还…呢") if drawn and _CANNOT_EVEN.search(clauses_text, right, right + _FAR) else ""


def guesses(word: str, head: str, bare: str, forbids: bool) -> bool:
    """Tell whether a negation only guesses or asks how things are: 是不是没有…, 不会要我出…吧, 你们不送货吧.

    head: what stands before it; bare: what stands behind the word, without particles; forbids: it may decline.
    """
    if _WHETHER.search(head):
        return True
    if not bare.endswith("吧"):
        return False
    if word in _GUESSING:
        return _OWN_WILL.search(head) is None
    return _GUESS.search(head) is not None or (not forbids and _PROVIDER.search(head) is not None)
