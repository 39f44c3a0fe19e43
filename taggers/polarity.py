"""Whether a word is denied where it stands: 不谈价格, 价格就不用说了, but not 不是有优惠吗 or 贵不贵."""

from __future__ import annotations

import re

from taggers.clause import FAR, Clauses, Cue
from taggers.cues import CUES

_REACH = {"ban": 14, "not": 9, "doubt": 9}
"""How many characters a negation reaches over; Chinese puts what is denied close behind."""
_SHORT = frozenset("无未非莫")
_SHORT_REACH = 3
_DISMISSED_WITHIN = 6
_REST_OF_REFUSAL = 4

_NEGATING = frozenset(word for word, kinds in CUES.items() if kinds & {"not", "ban", "doubt"})
# 不用预约吗 asks whether it is needed; 别发了好吗 forbids, however politely.
_ASKABLE = frozenset(
    ("不用", "不需要", "不需", "无需", "无须", "不必", "不要", "不让", "不许", "不准", "不考虑", "不打算", "取消")
)
# What may stand between the two halves of a double negation: 没有人不喜欢, 没说不买.
_JOINTS = frozenset(
    (
        "",
        "人",
        "说",
        "谁",
        "会",
        "敢",
        "是",
        "想",
        "有",
        "一个",
        "一个人",
        "觉得",
        "打算",
        "可能",
        "什么",
        "哪个",
        "哪家",
        "的",
        "理由",
        "道理",
    )
)
_QUESTION_WORD = re.compile(r"多少|怎么|怎样|在哪|哪|什么|啥|几|如何|咋|谁|为什么")
_SPOKEN = re.compile(r"^.{0,2}[问说谈管聊提讲发报]?.{0,1}$")
_SOFT_END = re.compile(r"[啊呀哈呢哦噢喔嘞哟亲]*$")
_TAIL = re.compile(r"(?:好|行|可以|对|是|懂|知道|明白|ok|中|成|听到|听见)[吗么嘛]$")
_REQUEST = re.compile(r"(?:能不能|可不可以|可以|能|请|麻烦|拜托|希望|求)[^不没别]{0,4}$")
_MUST = re.compile(r".{0,6}不(?:可|行)")
_IT_IS = re.compile(r"[^不]是(?:[问想要来因为]|$)")


def denied(clauses: Clauses, left: int, right: int, start: int, end: int) -> tuple[bool, str]:
    """Tell whether start..end is denied within its clause left..right, and by what."""
    before = _standing(clauses, left, start)
    if not before:
        behind = _refusal(clauses, right, end)
        return (True, f"后面有 {behind.word}") if behind else (False, "")
    if len(before) == 2:
        return False, f"{before[0].word}…{before[1].word} 双重否定"
    cue = before[0]
    if not _reaches(clauses, cue, start, end):
        return False, ""
    if _turned_round(clauses, left, right, cue, end):
        return False, f"{cue.word}…问句，不作否定"
    return True, f"否定 {cue.word}"


def _standing(clauses: Clauses, left: int, start: int) -> list[Cue]:
    """Give the negation that stands where the occurrence begins: one cue, two for a double negation, or none."""
    found: list[Cue] = []
    for cue in clauses.between(max(left, start - FAR), start):
        if cue.end > start:
            # the cue runs into the occurrence: 没有|问题 denies 问题, though 没有问题 as a whole denies nothing
            core = clauses.text[cue.start : start]
            if core not in _NEGATING:
                continue
            cue = Cue(core, CUES[core], cue.start, start)
        kinds = cue.kinds
        if "turn" in kinds:
            found = []
        elif "soft" in kinds or cue.word == "了":
            if found and cue.start > found[-1].end:
                found = []
        elif "none" in kinds or "lack" in kinds:
            continue
        elif kinds & {"not", "ban", "doubt"}:
            found = [] if clauses.either_or(cue, left) else _joined(clauses, found, cue)
    return found


def _joined(clauses: Clauses, found: list[Cue], cue: Cue) -> list[Cue]:
    """Put a further negation to the one that stands: doubled, drawn out (不不不), or in its place."""
    if not found:
        return [cue]
    last = found[-1]
    if last.end == cue.start and last.word == cue.word[0] and len(last.word) == 1:
        return [*found[:-1], cue]
    if len(found) == 2:
        return [cue]
    if "doubt" in last.kinds or clauses.text[last.end : cue.start] in _JOINTS:
        return [last, cue]
    return [cue]


def _reaches(clauses: Clauses, cue: Cue, start: int, end: int) -> bool:
    """Tell whether the negation reaches as far as the occurrence."""
    between = clauses.text[cue.end : start]
    if cue.word == "非" and _MUST.match(clauses.text, end):
        return False
    reach = _SHORT_REACH if cue.word in _SHORT else max(_REACH.get(kind, 0) for kind in cue.kinds)
    if len(between) > reach:
        return False
    if (
        cue.word.endswith(("不是", "并非"))
        and not between.startswith(("说", "觉得", "认为"))
        and _IT_IS.search(between)
    ):
        return False
    asks_itself = _QUESTION_WORD.match(clauses.text, start, end) is not None
    return not (asks_itself and "ban" not in cue.kinds and not _SPOKEN.match(between))


def _turned_round(clauses: Clauses, left: int, right: int, cue: Cue, end: int) -> bool:
    """不是有优惠吗, 没有优惠？: a negation in a yes-or-no question claims or asks, it does not deny."""
    if "ban" in cue.kinds and cue.word not in _ASKABLE:
        return False
    bare = _SOFT_END.sub("", clauses.text[end:right])
    if not (bare.endswith(("吗", "么", "嘛")) or clauses.marked(right)):
        return False
    if _TAIL.search(bare) or _REQUEST.search(clauses.text[left : cue.start]):
        return False
    if "doubt" in cue.kinds:
        return False
    return not any(one.kinds & {"turn", "soft"} for one in clauses.between(end, min(right, end + FAR)))


def _refusal(clauses: Clauses, right: int, end: int) -> Cue | None:
    """Find 价格就不用说了: a refusal close behind, in a clause that does not ask."""
    if clauses.marked(right):
        return None
    for cue in clauses.between(end, min(right, end + _DISMISSED_WITHIN)):
        if "dismiss" in cue.kinds and not clauses.either_or(cue, 0):
            rest = clauses.text[cue.end : right]
            return cue if len(rest) <= _REST_OF_REFUSAL and not rest.endswith(("吗", "么", "嘛")) else None
        if cue.kinds & {"what", "lack", "ask", "not", "ban"}:
            return None
    return None
