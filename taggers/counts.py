"""Small counts as people say them in times: 3, 三, 十五, 两三 (the larger), 半, 几."""

from __future__ import annotations

from itertools import pairwise

COUNT = r"(?:\d{1,3}(?:\.\d)?|[零〇一二两俩仨三四五六七八九十廿]{1,4})"
"""A pattern of such a count."""

_DIGITS = {sign: at for at, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "仨": 3}


def count(words: str) -> float | None:
    """Read a count; of two in a row (三四点) the larger, and None where it is none."""
    if words[:1].isdigit():
        return float(words)
    words = words.replace("廿", "二十")
    if "十" in words:
        tens, _, ones = words.partition("十")
        return _tens(tens, ones)
    digits = [_DIGITS[sign] for sign in words if sign in _DIGITS]
    if not digits or len(digits) != len(words):
        return None
    if len(digits) == 1 or all(later > earlier for earlier, later in pairwise(digits)):
        return digits[-1]
    return None


def _tens(tens: str, ones: str) -> float | None:
    high = _DIGITS.get(tens, 1 if not tens else None)
    low = _DIGITS.get(ones, 0 if not ones else None)
    return None if high is None or low is None else high * 10 + low
