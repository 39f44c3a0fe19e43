"""Contrasts: what others have, or what once was, beside what is wanted now: 我姐办的年卡，我就单次体验一下."""

from __future__ import annotations

import re
from typing import Final

from taggers.clause import Clauses
from taggers.comment import PEOPLE

OTHERS: Final = "说的是「{word}」的事，自己另有打算"
PAST: Final = "「{word}」的事已经过去，现在说的是别的"
SOMEDAY: Final = "「{word}」才要，现在说的是别的"
WORDINGS: Final = (OTHERS, PAST, SOMEDAY)

_CLAUSES_ON = 3
_KIN = (
    r"(?:大|二|三|四|小|老|堂|表|干)?(?:姐|哥|弟|妹|叔|舅|姑|姨|伯|婶|嫂|侄|外甥)[子夫女儿]?(?:他|她)?们?|小(?:舅|姨|姑|叔)子?|哥们儿?|姐妹儿?|"
    r"爷爷|奶奶|姥姥|姥爷|爸|妈|爹|娘|同桌|师兄|师姐|学[长姐]|老乡|发小|死党|小[王李张刘陈杨赵黄周吴]|老[王李张刘陈杨赵黄周吴]"
)
# Somebody else, named as such; 我家 and 我们 alone are the speaker.
_SOMEBODY = re.compile(
    rf"(?P<word>(?:我们?|咱们?|俺)?(?:公司|单位|家里?|班里?|小区|楼[上下]|隔壁|对门|办公室|村里?|学校)?的?"
    rf"(?:(?:那|这)个?|一个)?(?:{PEOPLE['other']}|{_KIN}|邻居|大[妈爷叔婶]|小伙伴|人家))"
    r"(?:家|他们?|她们?|的|那|这|家里?|那台|那车|那辆|那套|娃儿?|孩子|儿子|女儿|闺女|结婚|让|给|老|都|也|就|们|之前|去年|上次|那会儿?|[一-龥]{1,3}){0,4}$"
)
_ONCE = re.compile(
    r"(?P<word>去年|前年|前几年|早几年|早年|小时候|上学那?会儿?|以前|之前|从前|当年|那会儿|那年|上回|上次|上一?回|有一[年回次]|头几年|刚毕业)[^，]{0,14}$"
)
_OVER = re.compile(
    r"[^，]{0,4}(?:早(?:就|已经?)?[一-龥]?(?:好|退|扔|断|过|卖|忘|停|丢|没|不)|后来(?:就|也)?(?:断|停|退|没|不|卖|扔)|现在(?:早|都|也)?(?:过|没|不)|一次没|没再|就没|也没|过期|到期)"
)
# Nothing more is to come of it, whatever else is said.
_ENDED = re.compile(
    r"[^，]{0,6}(?:没再(?:续|去|用|买|办|交|管|碰)|一次(?:都|也)?没用|早(?:就|都)?(?:退|扔|卖|停|断|送|摔|坏|丢|破)[一-龥]?了?|后来断了|[跟和]我们?(?:没|无)关)"
)
# 意外险前几年买过
_ONCE_BEHIND = re.compile(
    r"(?:那?(?:都|就)?是)?(?:我们?|咱们?)?(?P<word>去年|前年|前几年|早几年|早年|小时候|以前|之前|从前|当年|上回|上次|早就?)"
    r"[^，]{0,3}[一-龥](?:过|好|会|完|(?=的))(?:了|的|呢)?$"
)
# 烧烤是隔壁那桌点的
_OTHERS_BEHIND = re.compile(
    rf"(?:那?个?|都)?是(?P<word>(?:我们?)?(?:隔壁|对面|楼[上下]|前面|{PEOPLE['other']})[^，]{{0,6}}?)(?:去年|前几年|上次|之前)?"
    r"(?:点|买|要|报|办|学|订|做|上|用|选|装|请)(?:过|了)?的(?:哦|啊|呀|哈|呢)?$"
)
_KIN_BEHIND = re.compile(
    rf"(?:那?个?|都)?是(?P<word>我们?家?(?:{_KIN}|老大|大宝|大的)[^，]{{0,6}}?)(?:点|买|报|办|学|订|做|上|用)(?:过|了)?的$"
)
_IF_EVER = re.compile(
    r"(?P<word>(?:要是|如果|等|等到|万一|假如)?(?:哪天|哪年|以后|将来|往后|有朝一日|老了|退休了?)[^，]{0,12})(?:再|才|我再|就|说不定|没准|可能|也许)[^，]{0,3}$"
)
# What the speaker does instead: 我就单次, 我家普通班, 这次只打个针.
_NOW = r"(?:现在|这回|这次|今天|眼下|眼前|目前|如今|今年|当前|这会儿)"
_ME = r"(?:我们?家?|咱们?家?|俺们?家?|我自己|本人|我这边?|我[^，的]{0,2}这[^，]{0,4}|家里|我的?[^，]{1,2})"
_INSTEAD = re.compile(
    rf"(?:可|但|不过|而|那|至于|反正)?(?:(?:{_ME})(?:{_NOW})?|{_NOW}(?:{_ME})?)"
    r"[^，]{0,4}?(?:就(?!想|要|是想|怕|问)|只|才|还是|可没|没|不(?!知道|晓得)|头一回|第一次|先|自己|想学|想要|来问|是来|挺|已经)|"
    rf"{_NOW}(?:{_ME})?(?:是|换|想|要|[^，]{{1,4}}(?:够|凑合|还能用|还行))"
)
_PLAIN_INSTEAD = re.compile(rf"(?:{_ME})家?(?:{_NOW})?(?:普通|一般|照旧|原来|自己)")
# What concerns the topic itself after all: 我也想, 多少钱, 你们有吗.
_WANTS_TOO = re.compile(
    r"也(?!不|没)|一样的?|同款|多少|怎么(?!都)|吗|呢$|能不能|可以|有没有|什么价|咋|几[天号点个]|问[下问]|了解|跟[他她]|推荐|介绍我|比他|心动|羡慕"
)


def refused(clauses: Clauses, left: int, right: int, start: int, end: int) -> str:
    """Say whose or of what time it is, where the speaker goes on to what they want for themselves now instead."""
    text = clauses.text
    if clauses.marked(right):
        return ""
    found, wording = _apart(text[left:start], text[end:right])
    if found is None or _WANTS_TOO.search(text, end, right) is not None:
        return ""
    word = text[start:end]
    over = wording is not PAST or text[end:right].rstrip("了的呢").endswith(("好", "会", "完", "过"))
    ended = found.re is _OTHERS_BEHIND
    for begin, stop in clauses.following(right, _CLAUSES_ON):
        said = text[begin:stop]
        if word in said or clauses.marked(stop) or _WANTS_TOO.search(said) is not None:
            return ""
        if wording is PAST and _ENDED.match(said) is not None:
            ended = True
        over = over or ended or _OVER.match(said) is not None
        if over and (_INSTEAD.match(said) is not None or _PLAIN_INSTEAD.match(said) is not None):
            return wording.format(word=found["word"])
    return wording.format(word=found["word"]) if ended else ""


def _apart(head: str, tail: str) -> tuple[re.Match[str] | None, str]:
    """What in front of the word, or behind it, sets it apart from the speaker's own wishes of today."""
    if head.endswith(("让", "叫", "要", "想", "说", "催")):  # 我妈让退款: they decide with the speaker
        return None, ""
    for pattern, wording in ((_ONCE_BEHIND, PAST), (_KIN_BEHIND, PAST), (_OTHERS_BEHIND, OTHERS)):
        if (found := pattern.match(tail)) is not None:
            return found, wording
    for pattern, wording in ((_IF_EVER, SOMEDAY), (_ONCE, PAST), (_SOMEBODY, OTHERS)):
        if (found := pattern.search(head)) is not None:
            return found, wording
    return None, ""
