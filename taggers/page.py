"""One reading of one part, and what is looked up in it once: word edges, clauses, the way back to the text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from taggers.clause import Clauses
from taggers.fold import Reading
from taggers.polarity import denied
from taggers.question import asked
from taggers.segment import BLOCK, Segmenter

_STRIDE = 64


class Sense(NamedTuple):
    """How an occurrence is meant, and the words that say so (empty: nothing in its clause denies it)."""

    denied: bool
    asked: bool
    because: str = ""


class Page:
    """Answers what the rules ask of an occurrence, given by its place in the folded text."""

    __slots__ = ("_asked", "_clauses", "_edges", "_senses", "reading", "segmenter")

    def __init__(self, reading: Reading, segmenter: Segmenter) -> None:
        self.reading = reading
        self.segmenter = segmenter
        self._clauses: Clauses | None = None
        self._edges: dict[tuple[int, int], set[int]] = {}
        self._senses: dict[tuple[int, int], Sense] = {}
        self._asked: dict[int, bool] = {}

    def sense(self, start: int, end: int) -> Sense:
        """Say how the occurrence is meant."""
        known = self._senses.get((start, end))
        if known is None:
            known = self._senses[start, end] = self._sense(start, end)
        return known

    def _sense(self, start: int, end: int) -> Sense:
        clauses = self._clauses
        if clauses is None:
            clauses = self._clauses = Clauses(self.reading)
        left, right = sentence = clauses.around(clauses.sentences, start, end)
        asks = self._asked.get(left)
        if asks is None:
            asks = self._asked[left] = asked(clauses, left, right)
        part = sentence if clauses.parts is clauses.sentences else clauses.around(clauses.parts, start, end)
        no, because = denied(clauses, *part, start, end)
        return Sense(no, asks, because)

    def is_word(self, start: int, end: int) -> bool:
        """Tell whether both ends stand on word boundaries.

        White space between Han characters parts words, unless the occurrence itself runs across it (价 格).
        """
        gaps = self.reading.gaps
        if gaps:
            joined = any(start < gap < end for gap in gaps)
            return self._is_edge(start, joined) and self._is_edge(end, joined)
        for (left, right), edges in self._edges.items():
            if left <= start and end <= right:
                return start in edges and end in edges
        ahead = BLOCK.match(self.reading.text, start)
        if ahead is None or ahead.end() < end:
            return self._is_edge(start, False) and self._is_edge(end, False)
        edges = self._edges_of(self._left(start), ahead.end())
        return start in edges and end in edges

    def _is_edge(self, place: int, joined: bool) -> bool:
        gaps = self.reading.gaps
        if place in gaps:
            return True
        block = self._block(place)
        if block is None:
            return True
        left, right = block
        if gaps and not joined:
            inside = sorted(gap for gap in gaps if left < gap < right)
            at = bisect_left(inside, place)
            left = inside[at - 1] if at > 0 else left
            right = inside[at] if at < len(inside) else right
        return place in self._edges_of(left, right)

    def _edges_of(self, left: int, right: int) -> set[int]:
        known = self._edges.get((left, right))
        if known is None:
            known = self._edges[left, right] = self.segmenter.edges(self.reading.text[left:right], left)
        return known

    def _block(self, place: int) -> tuple[int, int] | None:
        """Give jieba's block around a place, or None where no block has the place inside."""
        ahead = BLOCK.match(self.reading.text, place)
        if ahead is None:
            return None
        left = self._left(place)
        return (left, ahead.end()) if left < place else None

    def _left(self, place: int) -> int:
        """Give where the block that a place stands in, or ends, begins."""
        text = self.reading.text
        while place > 0:
            behind = BLOCK.match(text[max(place - _STRIDE, 0) : place][::-1])
            if behind is None:
                break
            place -= behind.end()
            if behind.end() < _STRIDE:
                break
        return place

    def words_around(self, start: int, end: int) -> str:
        """Show how the surroundings are cut into words, for an explanation."""
        text = self.reading.text
        left, right = self._block(start) or self._block(end) or (start, end)
        place, shown = left, []
        for word in self.segmenter.words(text[left:right]):
            if place < end and place + len(word) > start:
                shown.append(word)
            place += len(word)
        return "/".join(shown)

    def from_line(self, place: int) -> int:
        """Turn a place in the text with its white space into the place in the folded text."""
        reading = self.reading
        if reading.places is None or reading.line_places is None:
            return place
        if place >= len(reading.line_places):
            return len(reading.places)
        return bisect_right(reading.places, reading.line_places[place] - 1)
