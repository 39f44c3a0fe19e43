"""What tests of the English have in common: a sentence said in it, and the Chinese that is left there."""

from __future__ import annotations

import re

from bot.web.languages import catalogue
from said import fill

HAN = re.compile(r"[\u4e00-\u9fff，。；：（）「」、]")
_TERM = re.compile(r"\([^()]*\)")  # WeCom's console is Chinese: its own names may stand in brackets


def in_english(text: str) -> str:
    """A finding or a problem as a page says it in English."""
    wording, values = getattr(text, "wording", text), getattr(text, "values", {})
    return fill(wording, values, lambda chinese: catalogue("en").get(chinese) or chinese, ", ")


def chinese_left(text: str) -> str:
    """The English of a text where Chinese is left in it, else nothing."""
    english = in_english(text)
    return english if HAN.search(_TERM.sub("", english)) else ""
