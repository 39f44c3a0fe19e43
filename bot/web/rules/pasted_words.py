"""Splits words that were pasted into one line of a form, by tabs and commas, and takes the quotes off."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BETWEEN = re.compile(r"[\t，、；;|｜\v\f\u2028\u2029]|(?<!\d),|,(?!\d)")
_ONLY_TABS = re.compile(r"[\t\v\f\u2028\u2029]")
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("「", "」"), ("《", "》"))


def split_words(line: str, *, sentence: bool = False) -> list[str]:
    """The words of one line. A comma between digits (2,999) separates nothing; in a sentence only a tab does."""
    parts = [part.strip() for part in (_ONLY_TABS if sentence else _BETWEEN).split(line)]
    words = [part for part in parts if part]
    return [_bare(word) for word in words] if len(parts) > 1 else words


def split_all(lines: Sequence[str], kept: Sequence[str] = (), *, sentence: bool = False) -> list[str]:
    """All lines split, each word once; what stands in `kept` (the file as it was) is left as it is."""
    words = [word for line in lines for word in ([line] if line in kept else split_words(line, sentence=sentence))]
    return list(dict.fromkeys(words))


def _bare(word: str) -> str:
    for left, right in _QUOTES:
        if len(word) > 2 and word.startswith(left) and word.endswith(right):
            return word[1:-1].strip() or word
    return word
