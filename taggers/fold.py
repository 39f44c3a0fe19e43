"""Text folding: brings text as people type it into one form and keeps every character's place in the original."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

import opencc

_ODD_SPACES = {0x85: " ", 0x1680: " ", 0x2028: "\n", 0x2029: "\n", 0x0B: " ", 0x0C: " ", 0x0D: "\n", 0x3000: " "}
# Chinese punctuation stays itself: it is everywhere, and NFKC would make commas and dots of it.
_KEPT = "…‥。，？！：；（）～"
_HAN = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000))  # each is one letter and its own NFKC: only OpenCC changes them
# The basic plane without them, without Hangul and without what is for private use.
_ONE_BY_ONE = (
    *range(0x3400),
    *range(0x4DC0, 0x4E00),
    *range(0xA000, 0xAC00),
    *range(0xD7A4, 0xE000),
    *range(0xF900, 0x10000),
)


def _table() -> dict[int, str]:
    """Build character -> folded character(s): NFKC, lower case, simplified, invisible characters dropped."""
    simplified = _simplified()
    table: dict[int, str] = {ord(old): new for old, new in simplified.items()}
    for code in (*_ONE_BY_ONE, *range(0x1D400, 0x1D800), *range(0x1F100, 0x1F200)):
        char = chr(code)
        if char in _KEPT:
            continue
        if 0xD800 <= code < 0xE000:
            table[code] = "\ufffd"
            continue
        category = unicodedata.category(char)
        if category in ("Cf", "Mn", "Me") or 0xFE00 <= code < 0xFE10:
            table[code] = ""
            continue
        folded = unicodedata.normalize("NFKC", char).lower()
        if folded == char and category != "Zs":
            continue
        folded = "".join(simplified.get(one, one) for one in folded)
        if category == "Zs" and char != " ":
            folded = " "
        folded = "".join(one for one in folded if unicodedata.category(one) not in ("Cf", "Mn", "Me"))
        if folded != char:
            table[code] = folded
    for code in range(0x1F3FB, 0x1F400):  # skin tones say nothing about what is said
        table[code] = ""
    table.update(_ODD_SPACES)
    return table


def _simplified() -> dict[str, str]:
    """Ask OpenCC once, a character a line, so that no phrase rule can shift a place."""
    chars = [chr(code) for code in (*_HAN[0], *_HAN[1])]
    turned = opencc.OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {old: new for old, new in zip(chars, turned, strict=True) if old != new and len(new) == 1}


TABLE = _table()


def _ranges(codes: list[int]) -> str:
    """Write code points as the inside of a regular expression's character class."""
    pieces = []
    for _, run in groupby(enumerate(codes), lambda pair: pair[1] - pair[0]):
        block = [code for _, code in run]
        pieces.append(f"\\U{block[0]:08x}-\\U{block[-1]:08x}")
    return "".join(pieces)


_UNFOLDED = re.compile(f"[ \t{_ranges(sorted(TABLE))}]")
_RESIZED = re.compile(f"[{_ranges(sorted(code for code, new in TABLE.items() if len(new) != 1))}]")
_BLANK = re.compile(r"[ \t]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY = re.compile(r"([^\W\d_])\1{2,}")


class Reading:
    """One way to read a text. `places[i]` is where folded character i stands in the original (None: at i).

    `gaps` are the folded positions, in order, where white space beside Han characters was dropped, `seams` those
    where any was (iPhone 15 as well); `lines` is the text with its white space still in place, `line_places` its map.
    """

    __slots__ = ("gaps", "line_places", "lines", "places", "seams", "text")

    def __init__(
        self,
        text: str,
        places: Sequence[int] | None,
        gaps: tuple[int, ...],
        lines: str,
        line_places: Sequence[int] | None,
        seams: tuple[int, ...] | None = None,
    ) -> None:
        self.text = text
        self.places = places
        self.gaps = gaps
        self.seams = gaps if seams is None else seams
        self.lines = lines
        self.line_places = line_places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Turn a stretch of the folded text into the stretch of the original that it stands for."""
        return _span(self.places, start, end)

    def line_span(self, start: int, end: int) -> tuple[int, int]:
        """The same for a stretch of `lines`."""
        return _span(self.line_places, start, end)


def _span(places: Sequence[int] | None, start: int, end: int) -> tuple[int, int]:
    if places is None:
        return start, end
    return places[start], places[end - 1] + 1


SPACES = (" ", "\t")
CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
MARKS: tuple[str, ...] = (
    *SPACES,
    *CAPITALS,
    *(chr(code) for code in sorted(TABLE) if not 0xD800 <= code < 0xE000 and chr(code) not in (*SPACES, *CAPITALS)),
)
"""Characters that have to be folded; a text without one of them, and without stutter, is its own reading."""

RUN = re.compile(r"(.)\1\1")
"""Finds anything three times in a row: far quicker than to ask at once whether it is a letter."""


def stutters(text: str) -> bool:
    """Tell whether a letter is repeated often enough to be drawn-out typing."""
    return RUN.search(text) is not None and _MANY.search(text) is not None


NO_GAPS: tuple[int, ...] = ()


def mend(text: str) -> str:
    """Put U+FFFD for lone surrogates, which no automaton takes; every place stays the same."""
    return _SURROGATE.sub("\ufffd", text)


def squeeze(text: str) -> str:
    """Take out every blank; what a keyword looks like, or might be hidden in, when spaces do not count."""
    return text.replace(" ", "").replace("\t", "")


def is_plain(text: str) -> bool:
    """Tell whether the text is its own and only reading, which most messages are."""
    return not stutters(text) and _UNFOLDED.search(text) is None


def read(text: str) -> tuple[Reading, ...]:
    """Give the readings of a text: the folded one, and where letters are drawn out (多少钱钱钱) a second one."""
    if is_plain(text):
        return (Reading(text, None, NO_GAPS, text, None),)
    mapped = text.translate(TABLE)
    places = _places(text, mapped)
    first = _close_gaps(mapped, places)
    if _MANY.search(first.text) is None:
        return (first,)
    return (first, _close_gaps(*_shorten(mapped, places)))


def fold(text: str) -> str:
    """Fold a keyword just as the texts are folded."""
    mapped = text.translate(TABLE).strip()
    return _close_gaps(mapped, range(len(mapped))).text


def fold_parts(text: str) -> str:
    """Fold a text for searching: blanks inside names stay, so that iPhone 15 is found by each of its parts."""
    mapped = text.translate(TABLE).strip()
    return _close_gaps(mapped, range(len(mapped)), names=False).text


def _places(text: str, mapped: str) -> Sequence[int]:
    """Say for each mapped character which original one it came from."""
    if len(mapped) == len(text) and _RESIZED.search(text) is None:
        return range(len(text))
    places: list[int] = []
    for place, char in enumerate(text):
        new = TABLE.get(ord(char))
        places.extend([place] * (1 if new is None else len(new)))
    return places


def _close_gaps(mapped: str, places: Sequence[int], *, names: bool = True) -> Reading:
    """Drop white space beside Han characters and, with `names`, inside what may be one (iPhone 15); keep places."""
    if _BLANK.search(mapped) is None:
        return Reading(mapped, places, NO_GAPS, mapped, places)
    kept: list[str] = []
    kept_places: list[int] = []
    gaps: list[int] = []
    seams: list[int] = []
    last = size = 0
    for blank in _BLANK.finditer(mapped):
        start, end = blank.span()
        beside_han = (
            "\u3400" <= mapped[start - 1 : start] <= "\u9fff" or "\u3400" <= mapped[end : end + 1] <= "\u9fff"
        )
        joined = beside_han or (names and _is_name(mapped[start - 1 : start], mapped[end : end + 1]))
        if not (joined and start > 0 and end < len(mapped)):
            start += 1  # one blank stays
        if start == end:
            continue
        kept.append(mapped[last:start])
        kept_places.extend(places[last:start])
        size += start - last
        if beside_han:
            gaps.append(size)
        if joined:
            seams.append(size)
        last = end
    kept.append(mapped[last:])
    kept_places.extend(places[last:])
    return Reading("".join(kept), kept_places, tuple(gaps), mapped, places, tuple(seams))


def _is_name(before: str, behind: str) -> bool:
    """Tell whether a blank between two characters may stand inside a name: letter and letter, letter and digit."""
    return before.isalnum() and behind.isalnum() and before.isascii() and not (before.isdigit() and behind.isdigit())


def _shorten(mapped: str, places: Sequence[int]) -> tuple[str, list[int]]:
    """Write every drawn-out character once."""
    kept: list[str] = []
    kept_places: list[int] = []
    last = 0
    for many in _MANY.finditer(mapped):
        kept.append(mapped[last : many.start() + 1])
        kept_places.extend(places[last : many.start() + 1])
        last = many.end()
    kept.append(mapped[last:])
    kept_places.extend(places[last:])
    return "".join(kept), kept_places
