"""Stopping: what ends a customer's enrolment in an SOP, and how a customer asks not to be written to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from sop.business import in_words, is_business

HAPPENINGS = {
    "reply": "客户已回复",
    "left": "客户已删除员工或员工已离开",
    "lost": "客户已流失",
    "moved": "客户已进入其他阶段",
    "opted-out": "客户表示不想再收到消息",
    "won": "客户已成交",
}

# Nobody is written to after these, whatever the SOP says.
_ALWAYS = ("opted-out", "left")

_SIMPLIFIED = str.maketrans(
    "別發訊給請擾煩騷聯繫絡訂閱廣銷這個種謝嗎羣們東資傳", "别发讯给请扰烦骚联系络订阅广销这个种谢吗群们东资传"
)
_NOT = r"(?:别|不要|不用|不必|甭|请勿|停止)"
_TO_ME = r"(?:来|给我|跟我|和我|向我|对我)?"
_STUFF = r"(?:这些|这种|这类|任何|广告|推销|消息|信息|讯息|短信|微信|东西)*"
_SEND = r"(?:推送|群发|发)(?:来)?"
_END = r"(?=$|[,!。~;]|吧|好吗|行吗|行不|可以吗|谢谢|哈|呀|啊|ok)"
_OPT_OUT = re.compile(
    rf"""
      (?:{_NOT}|不想)再?{_TO_ME}再?(?:被)?(?:打扰|骚扰|烦)(?:我|人)?
    | {_NOT}再?(?:来)?联系(?:我|了|$)
    | {_NOT}再{_TO_ME}{_SEND}{_STUFF}(?:给我)?(?:了|啦)?{_END}
    | {_NOT}(?:给我|向我){_SEND}{_STUFF}(?:了|啦)?{_END}
    | (?:别|不要|停止){_SEND}{_STUFF}(?:给我)?(?:了|啦){_END}
    | (?:我要|我想|帮我|给我|请)(?:取消订阅|退订)(?=$|[,!。~;]|吧|了|谢谢|消息|推送|短信|广告)
    | ^(?:取消订阅|退订|td|t)(?:谢谢|了|吧)?[!。~]*$
    | (?:不想|不愿意?)再?(?:收到|看到|接收)(?:你们?的?|您的?)?(?:广告|推销|消息|信息|短信|推送|这些|这种)
    """,
    re.VERBOSE,
)
# 别发错了, 不要再发货了: something else is meant.
_NOT_MEANT = re.compile(r"发(?:错|漏|货|快递|票|烧|火|愁|呆|生|现|给(?!我)|到)|[吗么嘛?]$|是不是|有没有")
_QUESTION_KEEPS = re.compile(r"(?:好吗|行吗|可以吗|好么|行么|可以么)[?!。]*$")
# What any of it takes, as it may be typed; of characters that are written in more than one way nothing is known.
_MAY_OPT_OUT = re.compile(
    r"[别別甭勿停订訂tT]|不[ \t]*[要用必想愿]|[^\x00-\x7f\u4e00-\u9fff，。！？、；：…～“”‘’（）《》【】—]"
)
_CLAUSE = re.compile(r"[,。!;\n]+|\s{2,}")
_SPACES = re.compile(r"[ \t\u3000]+")


def stops(stop: Sequence[str], happenings: Sequence[str]) -> str | None:
    """Give the reason (for people) to end an enrolment, or None.

    stop: the SOP's own list. happenings: "reply", "left", "tag:X", "order:X", "lost", "moved", "won", "opted-out".
    The last, and "left", end every enrolment.
    """
    for happening in (*_ALWAYS, *stop):
        if happening in happenings:
            return reason_of(happening)
    return None


def reason_of(happening: str) -> str:
    """Put a happening into words."""
    if is_business(happening):
        return str(in_words(happening))
    kind, _, name = happening.partition(":")
    return f"客户带上了标签「{name}」" if kind == "tag" else HAPPENINGS.get(happening, happening)


def opted_out(text: str) -> bool:
    """Say whether a customer asks not to be written to any more; in doubt no, since it silences every SOP."""
    if _MAY_OPT_OUT.search(text) is None:
        return False
    plain = unicodedata.normalize("NFKC", text).casefold().strip().translate(_SIMPLIFIED)
    return any(_asks(_SPACES.sub("", clause)) for clause in _CLAUSE.split(plain) if clause)


def _asks(clause: str) -> bool:
    if _OPT_OUT.search(clause) is None:
        return False
    return _NOT_MEANT.search(_QUESTION_KEEPS.sub("", clause)) is None
