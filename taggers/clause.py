"""Clauses of a reading, and the cue words that stand in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import ahocorasick_rs

from taggers.cues import CUES, Kind
from taggers.fold import Reading

FAR = 40
"""Characters around an occurrence that are looked at for cues, so that an endless clause costs no more."""

_WORDS = list(CUES)
_KINDS: list[frozenset[Kind]] = [CUES[word] for word in _WORDS]
_SCAN = ahocorasick_rs.AhoCorasick(
    _WORDS,
    matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
    store_patterns=False,
    implementation=ahocorasick_rs.Implementation.DFA,
).find_matches_as_indexes
_BREAK = re.compile(r"[,，;；。！!？?：:~～…\n|]+|(?<!\d)\.+|\.+(?!\d)")
_MARK = frozenset("?？")


@dataclass(slots=True)
class Cue:
    """A cue of the table where it stands in the folded text."""

    word: str
    kinds: frozenset[Kind]
    start: int
    end: int


class Clauses:
    """The clauses of one reading. `parts` ends clauses at spaces too, `sentences` only at punctuation."""

    __slots__ = ("_starts", "cues", "parts", "sentences", "text")

    def __init__(self, reading: Reading) -> None:
        self.text = reading.text
        self.cues = [Cue(_WORDS[key], _KINDS[key], start, end) for key, start, end in _SCAN(self.text)]
        self._starts = [cue.start for cue in self.cues]
        self.sentences = self._bounds(frozenset())
        self.parts = self._bounds(reading.gaps) if reading.gaps else self.sentences

    def _bounds(self, gaps: frozenset[int]) -> list[tuple[int, int]]:
        """List the clauses as (start, end); a space ends one only where two characters or more precede it."""
        bounds: list[tuple[int, int]] = []
        start = 0
        stops = [found.span() for found in _BREAK.finditer(self.text)]
        if gaps:
            stops = sorted([*stops, *((gap, gap) for gap in gaps)])
        for stop, after in stops:
            if stop == after and stop - start < 2:
                continue
            if stop > start:
                bounds.append((start, stop))
            start = max(start, after)
        if start < len(self.text):
            bounds.append((start, len(self.text)))
        return bounds

    def around(self, bounds: list[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
        """Give the clause an occurrence stands in; one that itself crosses a break takes all it touches."""
        at = bisect_right(bounds, (start, len(self.text) + 1)) - 1
        if at < 0:
            return (min(start, bounds[0][0]), max(end, bounds[0][1])) if bounds else (start, end)
        left, right = bounds[at]
        while right < end and at + 1 < len(bounds):
            at += 1
            right = bounds[at][1]
        return left, max(right, end)

    def after(self, place: int) -> list[tuple[int, int]]:
        """Give the few clauses that follow a place."""
        at = bisect_left(self.sentences, (place, -1))
        return self.sentences[at : at + 4]

    def between(self, left: int, right: int) -> Iterator[Cue]:
        """Walk through the cues that begin in left..right."""
        for at in range(bisect_left(self._starts, left), len(self.cues)):
            cue = self.cues[at]
            if cue.start >= right:
                return
            yield cue

    def marked(self, right: int) -> bool:
        """Tell whether the clause that ends here ends in a question mark."""
        return self.text[right : right + 1] in _MARK

    def either_or(self, cue: Cue, left: int) -> bool:
        """Recognise 贵不贵, 便不便宜, 喜欢不喜欢, which ask and deny nothing."""
        text, place = self.text, cue.start
        if cue.word[0] not in "不没":
            return False
        return any(place - size >= left and text.startswith(text[place - size : place], place + 1) for size in (1, 2))
