"""Compounds: a keyword at the head or tail of a longer dictionary word that divides wholly into words (课程|表)."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

_Cut = Callable[[str, bool], list[str]]

# 还有|座, 约好|了: the dictionary joins these to what stands beside them, and they say nothing of where it ends.
_ADVERBS = frozenset("还都也就只又再先才过")
# 没人接|站
_NOBODY = frozenset(("没人", "有人", "没法", "没有"))
_PARTICLES = frozenset("了过着吗呢吧的")
# Beside these a longer word means something of its own: 没关系, 为什么, 小时候.
_NOT_BEFORE = frozenset("没不无非未莫别为怎什那这")
_NOT_BEHIND = frozenset("候么")

# 手续|费, 上课|时: they follow whole words.
_ENDINGS = frozenset("费时中后前里车")
_TITLES = frozenset(("老师", "经理", "先生", "小姐", "女士", "医生", "主任", "教练", "总监", "师傅", "阿姨", "同学"))
MEETING = frozenset("了着" + "".join(title[0] for title in _TITLES))
"""Behind a word that only seems to stand there."""
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾田董潘袁蔡蒋余于杜叶程苏魏吕丁沈任姚卢傅钟姜崔谭陆汪范金石廖贾夏韦方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严武戴莫孔向汤"
)


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
    if right == end and _crossed(text[left:end], start - left, cut):
        return False
    return _divides(word, cut) and _divides(rest, cut)


def _crossed(compound: str, at: int, cut: _Cut) -> bool:
    """Tell whether a word ends inside the keyword that begins at a place: 手续|费 and 上课|时 hold no 续费, no 课时.

    Only before endings that follow whole words: 老|客户, 火|车票 and 开|发票 hold theirs.
    """
    whole = len(compound) == at + 2 and at >= 1 and compound[-1] in _ENDINGS
    return whole and cut(compound[: at + 1], False) == [compound[: at + 1]]


def merely_meets(text: str, start: int, end: int, cut: _Cut) -> bool:
    """Tell whether a word only seems to stand there: 大学|费了好大劲 tells of no 学费, 下课|程老师 of no 课程."""
    behind = text[end : end + 2]
    if start < 1 or end - start != 2 or not behind:
        return False
    verb = behind[0] in "了着" and len(behind) == 2 and behind[1] not in "吗么吧呢啊呀没"
    if not verb and not (behind in _TITLES and text[end - 1] in _SURNAMES):
        return False
    return cut(text[start - 1 : start + 1], False) == [text[start - 1 : start + 1]]


def may_part(word: str) -> bool:
    """Tell whether a keyword may begin or end inside this word of the dictionary."""
    return len(word) > 2 or (len(word) == 2 and (word[0] in _ADVERBS or word[1] in _PARTICLES))


def _begins_behind_adverb(word: str, before: int) -> bool:
    return (len(word) == 2 and before == 1 and word[0] in _ADVERBS) or (word[:before] in _NOBODY)


def _ends_before_particle(word: str, behind: int) -> bool:
    return len(word) == 2 and behind == 1 and word[-1] in _PARTICLES


def _is_han(text: str, start: int, end: int) -> bool:
    return all("\u4e00" <= char <= "\u9fd5" for char in text[start:end])


@lru_cache(maxsize=4096)
def _divides(stretch: str, cut: _Cut) -> bool:
    """Tell whether a stretch consists of words: two single characters side by side are none."""
    pieces = cut(stretch, False)
    return not any(len(one) == len(other) == 1 for one, other in pairwise(pieces))
