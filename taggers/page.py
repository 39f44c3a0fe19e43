"""Page: one reading of one part, with word edges, clauses and the mapping back to the text, each computed once."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, islice
from typing import NamedTuple

from taggers.clause import Clauses
from taggers.compound import MEETING, in_compound, merely_meets
from taggers.fold import Reading
from taggers.numbers import Number, numbers
from taggers.polarity import denied
from taggers.question import asked
from taggers.segment import BLOCK, Segmenter

_STRIDE = 64
_MOST_NUMBERS = 400
"""Numbers of one part that are looked at; a message that holds more of them says no more."""

Block = tuple[int, int, set[int]]
"""Where a block begins and ends, and the word boundaries in it."""
_NO_BLOCK: Block = (0, 0, set())


class Sense(NamedTuple):
    """How an occurrence is meant, and the words that say so (empty: nothing in its clause denies it)."""

    denied: bool
    asked: bool
    because: str = ""


class Page:
    """Answers what the rules ask of an occurrence, given by its place in the folded text."""

    __slots__ = ("_asked", "_block", "_clauses", "_joined", "_numbers", "_senses", "reading", "segmenter")

    def __init__(self, reading: Reading, segmenter: Segmenter) -> None:
        self.reading = reading
        self.segmenter = segmenter
        self._clauses: Clauses | None = None
        # the blocks looked at last; occurrences come in text order, so the next one is mostly in the same block
        self._block: Block = _NO_BLOCK
        self._joined: Block = _NO_BLOCK
        self._senses: dict[tuple[int, int], Sense] = {}
        self._asked: dict[int, bool] = {}
        self._numbers: list[Number] | None = None

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
        gaps = self.reading.seams
        low, high = 0, len(self.reading.text)
        if gaps:
            at = bisect_right(gaps, start)
            if at < len(gaps) and gaps[at] < end:
                begins = at > 0 and gaps[at - 1] == start
                return (begins or self._is_edge_across(start)) and (
                    self._ends_at_gap(end) or self._is_edge_across(end)
                )
            low, high = gaps[at - 1] if at else low, gaps[at] if at < len(gaps) else high
        left, right, edges = self._block
        if not (left <= start and end <= right and low <= left and right <= high):
            ahead = BLOCK.match(self.reading.text, start, high)
            if ahead is None or ahead.end() < end:
                return self._is_edge(start, low, high) and self._is_edge(end, low, high)
            _, _, edges = self._block = self._edges(self._left(start, low), ahead.end())
        if start in edges and end in edges:
            text = self.reading.text
            return text[end : end + 1] not in MEETING or not (
                start - 1 in edges and merely_meets(text, start, end, self.segmenter.cut)
            )
        return in_compound(self.reading.text, edges, start, end, self.segmenter.cut)

    def is_whole(self, start: int, end: int) -> bool:
        """Tell whether no run of letters and digits, and no number, goes on beyond either end: not app in happy."""
        if self._goes_on(start) or self._goes_on(end):
            return False
        return not (self._parts_number(start) or self._parts_number(end))

    def _parts_number(self, place: int) -> bool:
        """Tell whether a place lies inside a number."""
        known = self._all_numbers()
        at = bisect_left(known, (place,)) - 1
        return at >= 0 and known[at].end > place

    def _all_numbers(self) -> list[Number]:
        if self._numbers is None:
            self._numbers = list(islice(numbers(self.reading.text), _MOST_NUMBERS))
        return self._numbers

    def _goes_on(self, place: int) -> bool:
        beside = self.reading.text[place - 1 : place + 1] if place else ""
        return len(beside) == 2 and beside.isalnum() and beside.isascii() and place not in self.reading.seams

    def amounts(self) -> list[Number]:
        """Give the amounts of money spoken of."""
        text = self.reading.text
        return [
            one
            for one in self._all_numbers()
            if one.amount is not None
            and (not self._goes_on(one.start) or text.endswith(("rmb", "cny"), 0, one.start))
        ]

    def whole_around(self, start: int, end: int) -> str:
        """Show the run or number that a stretch is a part of, for an explanation."""
        text = self.reading.text
        while start > 0 and self._goes_on(start):
            start -= 1
        while end < len(text) and self._goes_on(end):
            end += 1
        for left, right, _ in self._all_numbers():
            if left < end and right > start:
                start, end = min(start, left), max(end, right)
        return text[start:end]

    def _is_edge(self, place: int, low: int, high: int) -> bool:
        """Tell whether a word begins or ends at a place, looking no farther than low..high."""
        ahead = BLOCK.match(self.reading.text, place, high)
        if ahead is None:
            return True
        left = self._left(place, low)
        return left == place or place in self._edges(left, ahead.end())[2]

    def _ends_at_gap(self, end: int) -> bool:
        gaps = self.reading.seams
        at = bisect_left(gaps, end)
        return at < len(gaps) and gaps[at] == end

    def _is_edge_across(self, place: int) -> bool:
        """The same where white space parts nothing."""
        left, right, edges = self._joined
        if not left < place < right:
            ahead = BLOCK.match(self.reading.text, place)
            if ahead is None:
                return True
            left, right, edges = self._joined = self._edges(self._left(place, 0), ahead.end())
        return place in edges

    def _edges(self, left: int, right: int) -> Block:
        words = self.segmenter.cut(self.reading.text[left:right], False)
        return left, right, set(accumulate(map(len, words), initial=left))

    def _left(self, place: int, low: int) -> int:
        """Give where the block that a place stands in, or ends, begins; never before `low`."""
        text = self.reading.text
        while place > low:
            behind = BLOCK.match(text[max(place - _STRIDE, low) : place][::-1])
            if behind is None:
                break
            place -= behind.end()
            if behind.end() < _STRIDE:
                break
        return place

    def words_around(self, start: int, end: int) -> str:
        """Show how the surroundings are cut into words, for an explanation."""
        text = self.reading.text
        if merely_meets(text, start, end, self.segmenter.cut):
            return f"{text[start - 1 : start + 1]}/{text[start + 1 : end]}"
        left = self._left(start, 0)
        ahead = BLOCK.match(text, max(end - 1, left))
        right = ahead.end() if ahead else end
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
