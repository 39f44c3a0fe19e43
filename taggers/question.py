"""Questions: whether a clause asks, by a mark, a question word, a particle, 贵不贵, a request or a tag question."""

from __future__ import annotations

import re

from taggers.clause import ASK, BAN, BITS, KEYS, KNOW, LACK, NOT, SOFT, WHAT, WORDS, Clauses
from taggers.cues import TAGS_BEHIND

_END = frozenset("。！!？?\n;；…")
_FADING = "啊呀哈亲哦噢 "
_GOING_ON = re.compile(r"在|着|正|可|才|还")
_OWN = re.compile(r"(?<![给帮跟和为替对])我$")
_ENDS_CLAUSE = re.compile(r"[了呢啊呀](?=[都也])")  # 到哪了都三天了: two clauses without a mark between them
_OPEN = frozenset("什啥哪谁几多怎咋何")
_PARTICLES = frozenset((KEYS["吗"], KEYS["么"]))
_BARE_NOT = frozenset(("不", "没", "没有"))
_BARE = 6


def asked(clauses: Clauses, left: int, right: int) -> bool:
    """Tell whether the clause left..right asks something."""
    return _asks(clauses, left, right) or _asked_behind(clauses, right)


def _asks(clauses: Clauses, left: int, right: int) -> bool:
    if clauses.marked(right):
        return True
    known = False
    for cue in clauses.between(left, right):
        key, start, end = cue
        if start < left:
            continue
        if start >= right:
            break
        bits = BITS[key]
        if bits & KNOW:
            known = True
        elif key in _PARTICLES:
            if "么么" not in clauses.text[max(left, start - 1) : end + 1]:  # 么么哒 is a kiss
                return True
        elif bits & LACK and not clauses.own_doing(cue, left):
            return True
        elif bits & ASK:
            if bits & SOFT or not _OWN.search(clauses.text, max(left, start - 2), start):
                return True
        elif bits & WHAT:
            if not known and not _whatever(clauses, start, end, right):
                return True
        elif bits & (NOT | BAN) and (
            clauses.either_or(start, left) or _ends_on(clauses, key, start - left, end, right)
        ):
            return True
    if "呢" not in clauses.text:
        return False
    bare = clauses.text[left:right].rstrip(_FADING)
    return bare.endswith("呢") and _GOING_ON.search(bare) is None


def _whatever(clauses: Clauses, start: int, end: int, right: int) -> bool:
    """什么时候都可以, 多少钱也行: a question word before 都 or 也 asks nothing."""
    if clauses.text[start] not in _OPEN:
        return False
    close = _ENDS_CLAUSE.split(clauses.text[end : min(right, end + 7)], maxsplit=1)[0]
    return ("都" in close or "也" in close) and not clauses.text.endswith(("吗", "么"), end, right)


def _ends_on(clauses: Clauses, key: int, before: int, end: int, right: int) -> bool:
    """有优惠没, 贵不, 有房没有啊: a bare negation at the end of a clause asks."""
    if right - end > 2 or before < 2 or WORDS[key] not in _BARE_NOT:
        return False
    return not clauses.text[end:right].strip(_FADING)


def _asked_behind(clauses: Clauses, right: int) -> bool:
    """Look at what follows: a clause that only asks back, or the question mark behind a list of bare nouns."""
    text = clauses.text
    if right >= len(text) or text[right] in _END:
        return False
    if "?" not in text and "？" not in text:
        behind = clauses.after(right)[:1]
        return bool(behind) and text[slice(*behind[0])].strip(_FADING) in TAGS_BEHIND
    for place, (left, end) in enumerate(clauses.after(right)):
        if place == 0 and text[left:end].strip(_FADING) in TAGS_BEHIND:
            return True
        if clauses.marked(end):
            cues = clauses.between(left, end)
            asking = any(BITS[key] & (WHAT | ASK | LACK) for key, start, _ in cues if left <= start < end)
            return not asking and end - left <= _BARE
        if text[end : end + 1] in _END:
            return False
    return False
