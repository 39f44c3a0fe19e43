"""Nobody's words: lines that WeCom writes in somebody's name, its notices, and mentions in the text of a group."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taggers.fold import fold, is_plain

_CHAT = r"(现在)?(我们)?可以(开始)?聊天[了啦吧]*"
_LINES = re.compile(
    "|".join(
        (
            rf"我(已经|已)?(通过|接受)了?[你您]的(外部)?(联系人|联络人|朋友|好友)?(验证|添加)?(请求|申请)([，,。]?{_CHAT})?",
            rf"[我你您]?(已经|已)添加了?.{{1,32}}?[，,]?{_CHAT}",
            r"[-—–_=]*以上[是为]打招呼的?(内容|消息|信息)[-—–_=]*",
            r"[你您]已添加了?.{1,32}[，,]以上(是|为)打招呼的?(内容|消息|信息)",
            r".{0,32}已(经|成功)?添加[你您]为(联系人|联络人|好友|朋友)([，,。].*)?|[你您]和.{1,32}已成为(联系人|好友|朋友).*",
            r".{0,60}(都)?不是(企业微信)?(联系人|好友|朋友)关系[，,]请注意隐私安全|[你您]被移出了?群聊",
            r"我是群聊[“\"「『《].+[”\"」』》]的.+",
            r"i('|’)?(ve|have)acceptedyour(friend|contact)(verification)?request.*",
            r"([“\"「].{1,32}[”\"」]|我)拍了拍.{1,32}|.{1,32}不是[你您]的(联系人|好友|朋友)[，,]请先(发送|通过).{1,40}",
            r"[“\"「]?.{0,32}[”\"」]?撤回了一条消息",
            r"\[?(该|此)?消息类型暂不能展示\]?|当前版本不支持展示该内容[，,]?请升级至最新版本|\[?不支持的消息(类型)?\]?",
            r"消息已发出[，,]但被对方拒收了.*|.{0,40}开启了(朋友|好友|联系人)验证[，,]你还不是.{1,60}",
            r"[“\"「]?.{1,40}[”\"」]?(邀请|通过扫描).{1,200}加入了?群聊|.{1,40}修改群名为.{1,60}",
        )
    )
)
_MAY_BE = re.compile(
    "请求|申请|聊天|打招呼|添加|成为|关系|移出|群聊|accepted|拍了拍|联系人|好友|朋友|撤回|消息|展示|不支持|验证|加入|修改"
    r"|我是|i['’]?m|iam|\s"
)
"""Each of these lines, and each introduction, has one of these in it; where blanks are taken out nothing is known."""
_END = "。.!！~～ \n[]【】"
_I_AM = re.compile(r"我是[:：]?|i['’]m|iam")
_BLANKS = re.compile(r"\s+")
_LONGEST = 300
_CALLED_ALL = ("所有人", "all", "All")
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+\-])[@＠](?=\S)")
_CLIENT_END = "\u2005"
_NICKNAME = re.compile(r"[^@＠\n\u2005]{1,40}\u2005|[^\s@＠，。！？,!?；;：:]{0,40}")
_AROUND = re.compile(r"^[\s\u200b]+|[\s\u200b]+$")
HIDDEN = "\u200b"
"""Put in the place of a mention: it has no width and folding drops it, so that every place stays the same."""


def is_nobodys(text: str, names: Iterable[str] = ()) -> bool:
    """Tell whether WeCom wrote this line, not the one in whose name it comes. `names`: what the sender is called.

    我是小王 is such a line if its sender is called 小王: the client types it when somebody asks to be added.
    """
    if not 0 < len(text) <= _LONGEST or not _may_be(text):
        return False
    line = _BLANKS.sub("", fold(text)).strip(_END)
    if _LINES.fullmatch(line) is not None:
        return True
    called = [_BLANKS.sub("", fold(name)) for name in names]
    return any(name and (_introduces(line, name) or line.startswith(f"{name}拍了拍")) for name in called)


def _may_be(text: str) -> bool:
    """Whether a text has any of the words that it takes, or has to be folded first."""
    return _MAY_BE.search(text) is not None or not is_plain(text)


def may_introduce(text: str) -> bool:
    """Tell whether a line has the form in which the client introduces its user: 我是, a short name, nothing else."""
    line = _BLANKS.sub("", fold(text)).strip(_END)
    return re.fullmatch(r"我是[^，。！？,.!?的]{1,16}", line) is not None


def _introduces(line: str, name: str) -> bool:
    opening = _I_AM.match(line)
    if opening is None or not line.endswith(name):
        return False
    before = line[opening.end() : len(line) - len(name)]
    return not before or (before.endswith("的") and len(before) <= 32)


def may_mention(text: str) -> bool:
    """Tell whether a mention can stand in the text at all."""
    return "@" in text or "＠" in text


def without_mentions(text: str, names: Iterable[str] = ()) -> str:
    """Hide the mentions in the text of a group; every place stays the same.

    A mention is @ and the name of a member (`names`), or else what stands up to the blank that the client puts.
    """
    if not may_mention(text):
        return text
    known = sorted({*filter(None, names), *_CALLED_ALL}, key=len, reverse=True)
    place = 0
    while (at := _MENTION.search(text, place)) is not None:
        place = _end_of_mention(text, at.end(), known)
        text = text[: at.start()] + HIDDEN * (place - at.start()) + text[place:]
    return _AROUND.sub(lambda found: HIDDEN * len(found[0]), text) if place else text


def _end_of_mention(text: str, start: int, known: Iterable[str]) -> int:
    for name in known:
        if text[start : start + len(name)].casefold() == name.casefold():
            return start + len(name)
    found = _NICKNAME.match(text, start)
    if found is None:
        return start
    return found.end() - 1 if found[0].endswith(_CLIENT_END) else found.end()
