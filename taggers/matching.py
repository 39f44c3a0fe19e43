"""Matcher: an automaton finds the few rules a message may concern; the costly checks run for those alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

import ahocorasick_rs

from taggers.compiled import CompiledRule, Keyword
from taggers.dodge import BARE, SIGNS, PiecedReading, pieced
from taggers.expression import required
from taggers.fold import CAPITALS, MARKS, NO_GAPS, RUN, SPACES, Reading, mend, read, squeeze, stutters
from taggers.numbers import FORMAL_SCALES, NUMERALS
from taggers.page import Page
from taggers.segment import Segmenter
from taggers.sound import homophones, sound
from taggers.utterance import Scope, Sender
from taggers.weighing import HINT, NONE, Concerned, RuleMatch, concern, weigh

Scan = Callable[[str, bool], list[tuple[int, int, int]]]
_NOTHING = (-1, 0, 0)
_SENDERS: tuple[Sender, ...] = ("customer", "agent")
Uses = list[tuple[CompiledRule, int, Keyword]]


class Matcher:
    """All the rules about words, behind one automaton. It also holds the characters that make folding necessary."""

    def __init__(self, compiled: Sequence[CompiledRule], words: Sequence[str]) -> None:
        self.segmenter = Segmenter(words)
        self._uses: list[Uses] = []
        self._heard: list[Uses] = []
        patterns: dict[str, int] = {}
        sounds: dict[str, int] = {}
        for made in compiled:
            for slot, keyword in keywords_of(made):
                _file(patterns, self._uses, keyword.folded, (made, slot, keyword))
                if made.rule.sound and slot >= 0:
                    for heard in homophones(keyword.folded):
                        _file(sounds, self._heard, heard, (made, slot, keyword))
        self._marks = len(patterns)
        # a keyword with a space or a sign in it (C++) must be suspected where these are taken out
        bare = (squeeze(form) for pattern in patterns for form in (pattern, pattern.translate(BARE)))
        hints = [form for form in bare if form and form not in patterns]
        listed = dict.fromkeys([*patterns, *hints])
        self._hinted = len(listed)
        for marks in (SPACES, CAPITALS):
            listed.update(dict.fromkeys(marks))
        self._easy = len(listed)
        listed.update(dict.fromkeys(MARKS))
        self._signs = len(listed)
        listed.update(dict.fromkeys(SIGNS))
        self.scan: Scan = _automaton(tuple(listed))
        self._listen = _automaton(tuple(sounds)) if sounds else None
        self._always = [made for made in compiled if not any(slot != NONE for slot, _ in keywords_of(made))]
        self.heeds = frozenset(
            sender for made in compiled for sender in _SENDERS if made.rule.from_ in (sender, "both")
        )
        self._keywords_only = self._listen is None and not self._always

    def is_candidate(self, text: str) -> bool:
        """Tell whether any keyword at all stands in the text."""
        return any(key < self._marks for reading in read(mend(text)) for key, _, _ in self.scan(reading.text, True))

    def screen(self, texts: Sequence[str]) -> list[bool]:
        """Tell of each text whether it may satisfy a rule: two scans over all of them together.

        A text of which this says no has no finding; one of which it says yes has to be looked at by itself.
        """
        if not self._keywords_only:
            return [True] * len(texts)
        maybe = [False] * len(texts)
        doubtful = self._suspect(texts, range(len(texts)), maybe)
        doubtful = [at for at in doubtful if not maybe[at]]
        if doubtful:
            self._suspect([squeeze(texts[at].translate(BARE)) for at in doubtful], doubtful, maybe)
        return maybe

    def _suspect(self, texts: Sequence[str], places: Sequence[int], maybe: list[bool]) -> list[int]:
        """Mark the texts that hold a keyword or stutter; gives those that have to be folded before one can say."""
        joined = "\n".join(texts)
        try:
            found = self.scan(joined, True)
        except UnicodeEncodeError:
            joined = mend(joined)
            found = self.scan(joined, True)
        ends = list(accumulate(map(len, texts), lambda end, size: end + 1 + size))
        doubtful: list[int] = []
        end, place = -1, -1
        for key, start, _ in found:
            if start > end:
                at = bisect_left(ends, start)
                end, place = ends[at], places[at]
            if key < self._hinted:
                maybe[place] = True
            elif key >= self._signs and _in_number(joined, start):
                continue  # 4.5, 100-200: signs of numbers take no word apart
            elif not doubtful or doubtful[-1] != place:
                doubtful.append(place)
        for run in RUN.finditer(joined):
            if run[1].isalpha():
                maybe[places[bisect_left(ends, run.start())]] = True
        return doubtful

    def find(self, text: str, scope: Scope, sender: Sender, offset: int) -> Sequence[RuleMatch]:
        """Give the findings of one part, at most one a rule."""
        try:
            found = self.scan(text, True)
        except UnicodeEncodeError:
            text = mend(text)
            found = self.scan(text, True)
        drawn_out = stutters(text)
        if self._keywords_only and not drawn_out:
            if not found:
                return ()
            if min(found)[0] >= self._marks:
                easy = max(found)[0] < self._easy
                if self._is_clear(squeeze(text.lower() if easy else text.translate(BARE))):
                    return ()
        findings: list[RuleMatch] = []
        for page, concerned in self.pages(text, found, drawn_out):
            before = {finding.rule.index for finding in findings} if findings else ()
            for made, occurrences in concerned.values():
                if made.rule.from_ not in (sender, "both") or scope not in made.scopes or made.index in before:
                    continue
                finding = weigh(made, occurrences, page, scope, offset)
                if finding is not None:
                    findings.append(finding)
        return findings

    def explained_pages(self, text: str) -> list[tuple[Page, Concerned]]:
        """Give the pages of a text, regardless of sender and scope."""
        text = mend(text)
        return self.pages(text, self.scan(text, True), stutters(text))

    def _is_clear(self, folded: str) -> bool:
        """Tell whether a folded text without its spaces holds no keyword and needs no second reading."""
        found = self.scan(folded, True)
        return (not found or min(found)[0] >= self._hinted) and not stutters(folded)

    def pages(self, text: str, found: list[tuple[int, int, int]], drawn_out: bool) -> list[tuple[Page, Concerned]]:
        """Read the text in every way it can be read, and sort what was found by rule."""
        if not drawn_out and (not found or max(found)[0] < self._marks):
            return [self._page(Reading(text, None, NO_GAPS, text, None), found)]
        readings = read(text)
        pages = [self._page(reading, self._keys(reading)) for reading in readings]
        if max(found, default=_NOTHING)[0] >= self._easy:
            pages.extend(self._pieced_pages(readings[0]))
        return pages

    def _keys(self, reading: Reading) -> list[tuple[int, int, int]]:
        return [one for one in self.scan(reading.text, True) if one[0] < self._marks]

    def _pieced_pages(self, reading: Reading) -> Iterator[tuple[Page, Concerned]]:
        """Read past signs that take a keyword apart, for the rules of that keyword alone."""
        whole = pieced(reading)
        if whole is None:
            return
        page, concerned = self._page(whole, self._keys(whole))
        if apart := only_apart(concerned, whole, self.segmenter):
            yield page, apart

    def _page(self, reading: Reading, found: list[tuple[int, int, int]]) -> tuple[Page, Concerned]:
        concerned: Concerned = {}
        for key, start, end in found:
            for made, slot, keyword in self._uses[key]:
                occurrences = concern(concerned, made)
                if slot != HINT:
                    occurrences.append((slot, start, end, keyword, False))
        if self._listen is not None:
            for key, start, end in self._listen(sound(reading.text), True):
                for made, slot, keyword in self._heard[key]:
                    if reading.text[start:end] != keyword.folded:
                        concern(concerned, made).append((slot, start, end, keyword, True))
        for made in self._always:
            concern(concerned, made)
        return Page(reading, self.segmenter), concerned


def _in_number(text: str, place: int) -> bool:
    """Tell whether the sign at a place stands in a number: 4.5, but not GPT-4."""
    before = text[place - 1 : place]
    return before.isdigit() or (text[place + 1 : place + 2].isdigit() and not (before.isascii() and before.isalpha()))


def only_apart(concerned: Concerned, whole: PiecedReading, segmenter: Segmenter) -> Concerned:
    """Keep the rules of which a keyword was taken apart by signs, without what only seems to run across a sign."""
    kept: Concerned = {}
    for index, (made, occurrences) in concerned.items():
        fitting = [
            one for one in occurrences if not whole.crosses(*one[1:3]) or whole.is_dodged(*one[1:3], segmenter.cut)
        ]
        if any(one[0] >= 0 and whole.crosses(*one[1:3]) for one in fitting):
            kept[index] = (made, fitting)
    return kept


def keywords_of(made: CompiledRule) -> Iterator[tuple[int, Keyword]]:
    """Give every keyword of a rule with the slot it fills."""
    for slot, keywords in enumerate(made.slots):
        for keyword in keywords:
            yield slot, keyword
    for keyword in made.none:
        yield NONE, keyword
    if made.regex is not None and not made.slots and made.rule.amount is None and made.rule.regex is not None:
        literal = required(made.rule.regex)
        if literal:
            yield HINT, Keyword(literal, literal)
    if made.rule.amount is not None and not made.slots:
        for numeral in sorted({*NUMERALS, *FORMAL_SCALES, *"0123456789"}):
            yield HINT, Keyword(numeral, numeral)


def _file(patterns: dict[str, int], uses: list[Uses], pattern: str, use: tuple[CompiledRule, int, Keyword]) -> None:
    place = patterns.setdefault(pattern, len(patterns))
    if place == len(uses):
        uses.append([])
    uses[place].append(use)


@lru_cache(maxsize=4)  # an edit of replies or examples leaves the words, and building costs more than all the rest
def _automaton(patterns: tuple[str, ...]) -> Scan:
    scan: Scan = ahocorasick_rs.AhoCorasick(
        patterns,
        matchkind=ahocorasick_rs.MatchKind.Standard,
        store_patterns=False,
        implementation=ahocorasick_rs.Implementation.DFA,
    ).find_matches_as_indexes
    return scan
