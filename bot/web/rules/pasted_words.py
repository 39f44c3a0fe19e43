"""Splits words that were pasted into one line of a form, and takes off quotes, bullets and numbers before them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HAN = r"[\u4e00-\u9fff]"
_BETWEEN = re.compile(
    rf"[\t，、；;|｜\v\f\u2028\u2029]|(?<!\d),|,(?!\d)|"
    rf"(?<={_HAN})[ \u00a0\u3000/／]+(?={_HAN})|(?<={_HAN})[ \u00a0\u3000]+(?=@)"
)
_BULLET = re.compile(r"(?:[•·●▪◦■□◆►➤✓√*－–—-](?=[ \u00a0\u3000\t])|[•●▪◦■□◆►➤✓√])[ \u00a0\u3000\t]*")
_NUMBERED = re.compile(r"(?:[(（]?\d{1,3}[.、．)）](?!\d)|[①-⑳])[ \u00a0\u3000\t]*")
_UNSEEN = re.compile(r"[\u200b-\u200f\u2060\ufeff]")
_ONLY_TABS = re.compile(r"[\t\v\f\u2028\u2029]")
_QUOTES = (('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"), ("「", "」"), ("《", "》"))


def split_words(line: str, *, sentence: bool = False) -> list[str]:
    """The words of one line. A comma between digits (2,999) separates nothing; in a sentence only a tab does."""
    parts = [part.strip() for part in (_ONLY_TABS if sentence else _BETWEEN).split(line)]
    words = [part for part in parts if part]
    return [_bare(word) for word in words] if len(parts) > 1 or not sentence else words


def split_all(lines: Sequence[str], kept: Sequence[str] = (), *, sentence: bool = False) -> list[str]:
    """All lines split, each word once; what stands in `kept` (the file as it was) is left as it is."""
    fresh = _without_marks([line for line in lines if line not in kept])
    words = [
        word for line in lines for word in ([line] if line in kept else split_words(fresh[line], sentence=sentence))
    ]
    return list(dict.fromkeys(words))


def _without_marks(lines: Sequence[str]) -> dict[str, str]:
    """Every line without what a list puts before it: a bullet, or a number where all lines have one."""
    seen = {line: _UNSEEN.sub("", line) for line in lines}
    bare = {line: told[found.end() :] if (found := _BULLET.match(told)) else told for line, told in seen.items()}
    numbered = len(lines) > 1 and all(map(_NUMBERED.match, seen.values()))
    return {line: _NUMBERED.sub("", told, count=1) if numbered else told for line, told in bare.items()}


def _bare(word: str) -> str:
    for left, right in _QUOTES:
        if len(word) > 2 and word.startswith(left) and word.endswith(right):
            return word[1:-1].strip() or word
    return word
