"""Slips: orders to the app copied with their quotation marks, and words by which agents take back what they wrote."""

from __future__ import annotations

import re

_QUOTES = "「」『』“”\"'‘’"
_SLIPPED = re.compile(r"(?:刚才|刚刚|上一条|我)*(?:写|弄|搞|点|记|发|打|按|说)?错了?|取消(?:刚才的?|上一[条步]|掉)?")


def unquoted(text: str) -> str:
    """A message without the quotation marks around it: answers write orders in 「」."""
    bare = text.strip()
    return bare.strip(_QUOTES + " ") if bare[:1] and bare[0] in _QUOTES else bare


def is_slip(plain: str) -> bool:
    """Whether a message says nothing but that what was written before was a mistake: 写错了, 取消."""
    return _SLIPPED.fullmatch(plain) is not None
