"""Whether a clause asks: by a mark, a question word, a particle, 贵不贵, a request, or a clause that asks back."""

from __future__ import annotations

import re

from taggers.clause import Clauses, Cue
from taggers.cues import TAGS_BEHIND

_END = frozenset("。！!？?\n;；…")
_SOFT = "啊呀哈亲哦噢 "
_GOING_ON = re.compile(r"在|着|正|可|才|还")
_OWN = re.compile(r"(?<![给帮跟和为替对])我$")
_OPEN = frozenset("什啥哪谁几多怎咋何")
_BARE = 6


def asked(clauses: Clauses, left: int, right: int) -> bool:
    """Tell whether the clause left..right asks something."""
    return _asks(clauses, left, right) or _asked_behind(clauses, right)


def _asks(clauses: Clauses, left: int, right: int) -> bool:
    if clauses.marked(right):
        return True
    known = False
    for cue in clauses.between(left, right):
        kinds = cue.kinds
        if "know" in kinds:
            known = True
        elif "lack" in kinds:
            return True
        elif "ask" in kinds:
            if "soft" in kinds or not _OWN.search(clauses.text, max(left, cue.start - 2), cue.start):
                return True
        elif "what" in kinds:
            if cue.word in ("吗", "么"):
                return True
            if not known and not _whatever(clauses, cue, right):
                return True
        elif kinds & {"not", "ban"} and (clauses.either_or(cue, left) or _ends_on(clauses, cue, left, right)):
            return True
    bare = clauses.text[left:right].rstrip(_SOFT)
    return bare.endswith("呢") and _GOING_ON.search(bare) is None


def _whatever(clauses: Clauses, cue: Cue, right: int) -> bool:
    """什么时候都可以, 多少钱也行: a question word before 都 or 也 asks nothing."""
    if cue.word[0] not in _OPEN:
        return False
    close = clauses.text[cue.end : min(right, cue.end + 7)]
    return ("都" in close or "也" in close) and not clauses.text.endswith(("吗", "么"), cue.end, right)


def _ends_on(clauses: Clauses, cue: Cue, left: int, right: int) -> bool:
    """有优惠没, 贵不, 有房没有啊: a bare negation at the end of a clause asks."""
    if cue.word not in ("不", "没", "没有") or cue.start - left < 2 or right - cue.end > 2:
        return False
    return not clauses.text[cue.end : right].strip(_SOFT)


def _asked_behind(clauses: Clauses, right: int) -> bool:
    """Look at what follows: a clause that only asks back, or the question mark behind a list of bare nouns."""
    if clauses.text[right : right + 1] in _END:
        return False
    for place, (left, end) in enumerate(clauses.after(right)):
        if place == 0 and clauses.text[left:end].strip(_SOFT) in TAGS_BEHIND:
            return True
        if clauses.marked(end):
            asking = any(cue.kinds & {"what", "ask", "lack"} for cue in clauses.between(left, end))
            return not asking and end - left <= _BARE
        if clauses.text[end : end + 1] in _END:
            return False
    return False
