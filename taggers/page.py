"""One reading of one part, and what is looked up in it once: word edges, clauses, the way back to the text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from taggers.clause import Clauses
from taggers.fold import Reading
from taggers.polarity import denied
from taggers.question import asked
from taggers.segment import BLOCK, Segmenter


@dataclass(frozen=True, slots=True)
class Sense:
    """How an occurrence is meant, and the words that say so (empty: nothing in its clause denies it)."""

    denied: bool
    asked: bool
    because: str = ""


class Page:
    """Answers what the rules ask of an occurrence, given by its place in the folded text."""

    __slots__ = ("_asked", "_blocks", "_clauses", "_edges", "_segmenter", "_senses", "reading")

    def __init__(self, reading: Reading, segmenter: Segmenter) -> None:
        self.reading = reading
        self._segmenter = segmenter
        self._clauses: Clauses | None = None
        self._blocks: list[tuple[int, int]] | None = None
        self._edges: dict[tuple[int, int], set[int]] = {}
        self._asked: dict[int, bool] = {}
        self._senses: dict[tuple[int, int], Sense] = {}

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
        within = bool(gaps) and any(start < gap < end for gap in gaps)
        return self._is_edge(start, within) and self._is_edge(end, within)

    def _is_edge(self, place: int, joined: bool) -> bool:
        block = self._block(place)
        if block is None:
            return True
        left, right = block
        if not joined and self.reading.gaps:
            gaps = sorted(gap for gap in self.reading.gaps if left < gap < right)
            if place in self.reading.gaps:
                return True
            at = bisect_left(gaps, place)
            left = gaps[at - 1] if at > 0 else left
            right = gaps[at] if at < len(gaps) else right
        elif place in self.reading.gaps:
            return True
        edges = self._edges.get((left, right))
        if edges is None:
            edges = self._edges[left, right] = self._segmenter.edges(self.reading.text[left:right], left)
        return place in edges

    def _block(self, place: int) -> tuple[int, int] | None:
        """Give jieba's block around a place, or None where no block has the place inside."""
        if self._blocks is None:
            self._blocks = [found.span() for found in BLOCK.finditer(self.reading.text)]
        at = bisect_right(self._blocks, (place, -1)) - 1
        if at >= 0:
            left, right = self._blocks[at]
            if left < place < right:
                return left, right
        return None

    def words_around(self, start: int, end: int) -> str:
        """Show how the surroundings are cut into words, for an explanation."""
        text = self.reading.text
        block = self._block(start) or self._block(end) or (start, end)
        left, right = block
        words, place, shown = self._segmenter.words(text[left:right]), left, []
        for word in words:
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
        return bisect_left(reading.places, reading.line_places[place])
