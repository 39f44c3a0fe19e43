"""Others in a wording: what of a text, written to be said to many, belongs to one of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from taggers.fold import fold
from taggers.reusable import TITLED

_LONGEST_NAME = 20
_NUMERALS = "零一二两三四五六七八九十百千万半几"
_SLOT, _ANY_LINK = re.compile(r"\{[^{}]*\}"), re.compile(r"https?://[!-~]+")
_LINK = re.compile(r"(?:https?://|www\.)\S*[?#=&0-9]\S*")  # that may be one person's own
_NUMBER = re.compile(r"[0-9][0-9a-z_-]{3,}|[a-z_-]+[0-9][0-9a-z_-]{3,}|[a-z0-9_-]{12,}")  # phones, orders, codes
_MONEY = re.compile(
    rf"[¥￥$] ?[0-9][0-9.,]*|[0-9][0-9.,]* ?(?:元|块|万|折|毛|角|rmb)|[{_NUMERALS}]+(?:元|折|[百千万]块)"
)


def others_in(text: str, is_name: Callable[[str], bool], *, prices: bool = False) -> str:
    """What in a wording, written to be said to many, belongs to one of them: name | link | number | price; else "".

    is_name: whether a folded text is anybody's name. Placeholders are no words of anybody. Days may stand in it: who
    wrote it knows when they say it.
    """
    plain = fold(_SLOT.sub("，", text))
    if TITLED.search(plain) or _names_somebody(plain, is_name):
        return "name"
    if _LINK.search(plain):
        return "link"
    if _NUMBER.search(_MONEY.sub("，", _ANY_LINK.sub("，", plain))):
        return "number"
    return "price" if not prices and _MONEY.search(plain) else ""


def _names_somebody(text: str, is_name: Callable[[str], bool]) -> bool:
    return any(
        is_name(text[start:end])
        for start in range(len(text))
        for end in range(start + 2, min(start + _LONGEST_NAME, len(text)) + 1)
    )
