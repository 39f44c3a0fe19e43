"""Compounds: a keyword at the head or tail of a longer dictionary word that divides wholly into words (课程|表)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

_Cut = Callable[[str, bool], list[str]]

# 还有|座, 约好|了: the dictionary joins these to what stands beside them, and they say nothing of where it ends.
_ADVERBS = frozenset("还都也就只又再先才")
_PARTICLES = frozenset("了过着吗呢吧的")
# Beside these a longer word means something of its own: 没关系, 为什么, 小时候.
_NOT_BEFORE = frozenset("没不无非未莫别为怎什那这")
_NOT_BEHIND = frozenset("候么")


def in_compound(text: str, edges: set[int], start: int, end: int, cut: _Cut) -> bool:
    """Tell whether start..end, of which one end at least is no word edge, is a part of a compound all the same."""
    if end - start < 2 or not _is_han(text, start, end):
        return False
    left, right = start, end
    while left not in edges:
        left -= 1
    while right not in edges:
        right += 1
    inside = [place for place in range(start + 1, end) if place in edges]
    if inside:
        first, last = text[left : inside[0]], text[inside[-1] : right]
        return (left == start or _begins_behind_adverb(first, start - left)) and (
            right == end or _ends_before_particle(last, right - end)
        )
    if left != start and right != end:
        return False
    word, rest = text[start:end], text[left:start] or text[end:right]
    if (left != start and rest in _NOT_BEFORE) or (right != end and rest in _NOT_BEHIND):
        return False
    return _divides(word, cut) and _divides(rest, cut)


def may_part(word: str) -> bool:
    """Tell whether a keyword may begin or end inside this word of the dictionary."""
    return len(word) > 2 or (len(word) == 2 and (word[0] in _ADVERBS or word[1] in _PARTICLES))


def _begins_behind_adverb(word: str, before: int) -> bool:
    return len(word) == 2 and before == 1 and word[0] in _ADVERBS


def _ends_before_particle(word: str, behind: int) -> bool:
    return len(word) == 2 and behind == 1 and word[-1] in _PARTICLES


def _is_han(text: str, start: int, end: int) -> bool:
    return all("\u4e00" <= char <= "\u9fd5" for char in text[start:end])


@lru_cache(maxsize=4096)
def _divides(stretch: str, cut: _Cut) -> bool:
    """Tell whether a stretch consists of words: two single characters side by side are none."""
    pieces = cut(stretch, False)
    return not any(len(one) == len(other) == 1 for one, other in pairwise(pieces))
