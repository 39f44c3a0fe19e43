"""Reference matcher: the same hits the slow and plain way, by jieba over the whole message and a look-up per stretch.

What the fast way is held to in tests, and measured against.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import jieba

from taggers.compiled import CompiledRule, Keyword
from taggers.compound import in_compound, may_part
from taggers.dodge import PiecedReading, pieced
from taggers.fold import Reading, mend, read
from taggers.matching import keywords_of, only_apart
from taggers.page import Page
from taggers.rulebook import LONGEST, RuleBook
from taggers.segment import Segmenter, reference
from taggers.utterance import Utterance, split_quote
from taggers.weighing import Concerned, RuleMatch, concern, weigh


class WholePage(Page):
    """A page whose word edges come from segmenting the whole text at once."""

    __slots__ = ("_apart", "_together", "_tokenizer")

    def __init__(self, page: Page, tokenizer: jieba.Tokenizer, hmm: bool = False) -> None:
        super().__init__(page.reading, page.segmenter)
        text, gaps = page.reading.text, page.reading.seams
        self._together = _edges(tokenizer, text, 0, hmm)
        self._apart = self._together
        if gaps:
            self._apart = set()
            for left, right in zip([0, *gaps], [*gaps, len(text)], strict=True):
                self._apart |= _edges(tokenizer, text[left:right], left, hmm)

    def is_word(self, start: int, end: int) -> bool:
        gaps = self.reading.seams
        if any(start < gap < end for gap in gaps):
            edges = self._together.union(gaps)
            return start in edges and end in edges
        edges, cut = self._apart, self.segmenter.cut
        return (start in edges and end in edges) or in_compound(self.reading.text, edges, start, end, cut)

    def starts(self) -> list[int]:
        """Give where a keyword may begin or end: at word edges and inside words that may be compounds."""
        edges, text = sorted(self._together | self._apart), self.reading.text
        parted = [(left, right) for left, right in pairwise(edges) if may_part(text[left:right])]
        return sorted({*edges, *(place for left, right in parted for place in range(left, right))})


def _edges(tokenizer: jieba.Tokenizer, text: str, start: int, hmm: bool) -> set[int]:
    edges = {start}
    for word in tokenizer.cut(text, HMM=hmm):
        start += len(word)
        edges.add(start)
    return edges


class SegmentingJudge:
    """Judges by segmenting every message whole. Only for rules that match words and have neither sound nor regex.

    `hmm`: cut as jieba does unless told otherwise, guessing at unknown words; the hits are then not quite the same.
    """

    def __init__(self, book: RuleBook, words: tuple[str, ...] = (), *, hmm: bool = False) -> None:
        self._hmm = hmm
        self._tokenizer = reference(words)
        self._segmenter = Segmenter(words)
        self._uses: dict[str, list[tuple[CompiledRule, int, Keyword]]] = {}
        for made in book.compiled:
            for slot, keyword in keywords_of(made):
                self._uses.setdefault(keyword.folded, []).append((made, slot, keyword))
        self._longest = max(map(len, self._uses), default=0)

    def judge(self, utterance: Utterance) -> list[RuleMatch]:
        """Give the findings, in no particular order."""
        findings: list[RuleMatch] = []
        for part in utterance.parts or split_quote(utterance.text):
            before: set[int] = set()
            for page, concerned in self._pages(read(mend(part.text[:LONGEST]))):
                for made, occurrences in concerned.values():
                    if (
                        made.index in before
                        or made.rule.from_ not in (utterance.sender, "both")
                        or part.scope not in made.scopes
                    ):
                        continue
                    weighed = weigh(made, occurrences, page, part.scope, part.offset)
                    if weighed is not None:
                        findings.append(weighed)
                        before.add(made.index)
        return findings

    def _pages(self, readings: Sequence[Reading]) -> Iterator[tuple[WholePage, Concerned]]:
        whole = pieced(readings[0])
        for reading in (*readings, *((whole,) if whole else ())):
            page = WholePage(Page(reading, self._segmenter), self._tokenizer, self._hmm)
            concerned = self._concerned(page)
            yield (
                page,
                only_apart(concerned, reading, self._segmenter) if isinstance(reading, PiecedReading) else concerned,
            )

    def _concerned(self, page: WholePage) -> Concerned:
        concerned: Concerned = {}
        text, edges = page.reading.text, page.starts()
        for at, start in enumerate(edges):
            for end in edges[at + 1 :]:
                if end - start > self._longest:
                    break
                for made, slot, keyword in self._uses.get(text[start:end], ()):
                    concern(concerned, made).append((slot, start, end, keyword, False))
        return concerned
