"""The scan: an automaton finds the few rules a message may concern, the rest of the work is done for those alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import ahocorasick_rs
import re2

from taggers.compiled import CompiledRule, Keyword, regex_options
from taggers.fold import MARKS, mend, read, stutters
from taggers.hits import Span
from taggers.page import Page
from taggers.segment import Segmenter
from taggers.sound import homophones, sound
from taggers.utterance import Scope, Sender, Utterance, split_quote

MOST_OCCURRENCES = 32
"""Occurrences of one slot that are weighed in one reading; a message that repeats a word more often says no more."""

NONE = -1

Scan = Callable[[str, bool], list[tuple[int, int, int]]]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A keyword of a rule's slot at start..end of the folded text; `heard`: it only sounds like it."""

    slot: int
    start: int
    end: int
    keyword: Keyword
    heard: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is satisfied by one part, with its evidence. `via` goes with `spans`."""

    rule: CompiledRule
    scope: Scope
    spans: tuple[Span, ...]
    via: tuple[str, ...]
    denied: bool
    asked: bool
    because: str
    heard: bool


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule whose keywords came up in a part without satisfying it."""

    reasons: tuple[str, ...]
    spans: tuple[Span, ...]


Uses = list[tuple[CompiledRule, int, Keyword]]


class Matcher:
    """All the rules about words, behind one automaton."""

    def __init__(self, compiled: Sequence[CompiledRule], words: Sequence[str]) -> None:
        self._segmenter = Segmenter(words)
        self._uses: list[Uses] = []
        self._heard: list[Uses] = []
        patterns: dict[str, int] = {}
        sounds: dict[str, int] = {}
        for made in compiled:
            for slot, keyword in keywords_of(made):
                _file(patterns, self._uses, keyword.folded, (made, slot, keyword))
                if made.rule.sound and slot != NONE:
                    for heard in homophones(keyword.folded):
                        _file(sounds, self._heard, heard, (made, slot, keyword))
        self._marks = len(patterns)
        self._scan = _automaton([*patterns, *(mark for mark in MARKS if mark not in patterns)])
        self._listen = _automaton(list(sounds)) if sounds else None
        self._bare = [made for made in compiled if made.regex is not None and not made.slots]
        self._expressions = _expressions(self._bare)

    def find(self, text: str, scope: Scope, sender: Sender, offset: int) -> list[Finding]:
        """Give the findings of one part, at most one a rule and reading."""
        try:
            found = self._scan(text, True)
        except UnicodeEncodeError:
            text = mend(text)
            found = self._scan(text, True)
        if not found and self._listen is None and self._expressions is None and not stutters(text):
            return []
        findings: list[Finding] = []
        for page, concerned in self._pages(text, found):
            for made, occurrences in concerned.values():
                rule = made.rule
                if (rule.from_ != sender and rule.from_ != "both") or scope not in made.scopes:
                    continue
                weighed = weigh(made, occurrences, page, scope, offset)
                if isinstance(weighed, Finding):
                    findings.append(weighed)
        return findings

    def nearly(self, utterance: Utterance, longest: int) -> Iterator[tuple[CompiledRule, list[Miss]]]:
        """Give every rule that a keyword brought up, with what it missed (nothing: it hit)."""
        seen: dict[int, tuple[CompiledRule, list[Miss]]] = {}
        for part in utterance.parts or split_quote(utterance.text):
            text = mend(part.text[:longest])
            for page, concerned in self._pages(text, self._scan(text, True)):
                for made, occurrences in concerned.values():
                    misses = seen.setdefault(made.index, (made, []))[1]
                    weighed = weigh(made, occurrences, page, part.scope, part.offset)
                    if isinstance(weighed, Miss):
                        misses.append(weighed)
                    elif made.rule.from_ not in (utterance.sender, "both"):
                        who = "员工" if utterance.sender == "agent" else "客户"
                        misses.append(Miss((f"这句是{who}说的，规则只听{_WHO[made.rule.from_]}",), weighed.spans))
                    elif part.scope not in made.scopes:
                        misses.append(
                            Miss((f"出现在 {part.scope} 里，规则只看 {'、'.join(made.rule.scope)}",), weighed.spans)
                        )
        for index in sorted(seen):
            yield seen[index]

    def _pages(
        self, text: str, found: list[tuple[int, int, int]]
    ) -> Iterator[tuple[Page, dict[int, tuple[CompiledRule, list[Occurrence]]]]]:
        """Read the text in every way it can be read, and sort what was found by rule."""
        marked = any(key >= self._marks for key, _, _ in found)
        for reading in read(text):
            if marked or reading.places is not None:
                found = [one for one in self._scan(reading.text, True) if one[0] < self._marks]
            concerned: dict[int, tuple[CompiledRule, list[Occurrence]]] = {}
            for key, start, end in found:
                for made, slot, keyword in self._uses[key]:
                    _concern(concerned, made).append(Occurrence(slot, start, end, keyword))
            if self._listen is not None:
                self._hear(reading.text, concerned)
            if self._expressions is not None:
                for at in self._expressions.Match(reading.lines) or ():
                    _concern(concerned, self._bare[at])
            if concerned:
                yield Page(reading, self._segmenter), concerned

    def _hear(self, text: str, concerned: dict[int, tuple[CompiledRule, list[Occurrence]]]) -> None:
        assert self._listen is not None
        for key, start, end in self._listen(sound(text), True):
            for made, slot, keyword in self._heard[key]:
                if text[start:end] != keyword.folded:
                    _concern(concerned, made).append(Occurrence(slot, start, end, keyword, heard=True))


_WHO = {"customer": "客户", "agent": "员工", "both": "双方"}


def weigh(made: CompiledRule, occurrences: list[Occurrence], page: Page, scope: Scope, offset: int) -> Finding | Miss:
    """Ask of one rule whether its occurrences satisfy it."""
    kept: dict[int, list[Occurrence]] = {}
    reasons: list[str] = []
    seen: dict[int, int] = {}
    rule = made.rule
    for one in occurrences:
        seen[one.slot] = count = seen.get(one.slot, 0) + 1
        if count > MOST_OCCURRENCES:
            continue
        problem = _problem(one, made, page)
        if problem is None:
            kept.setdefault(one.slot, []).append(one)
        elif one.slot != NONE:
            reasons.append(problem)
    if NONE in kept:
        reasons.append(f"出现了「{kept[NONE][0].keyword.written}」（none 里的词）")
        return _miss(reasons, occurrences, page, offset)
    for slot, keywords in enumerate(made.slots):
        if slot not in kept and slot not in seen:
            reasons.append("没有出现 " + _some(keywords))
    if made.near and all(slot in kept for slot in made.near):
        close = _closest(made.near, kept)
        if close is None or (rule.near is not None and close[0] > rule.near.within):
            assert rule.near is not None
            assert close is not None
            reasons.append(f"near 的词相隔 {close[0]} 个字，最多 {rule.near.within} 个")
            return _miss(reasons, occurrences, page, offset)
        for slot, one in close[1].items():
            kept[slot] = [one]
    if any(slot not in kept for slot in range(len(made.slots))):
        return _miss(reasons, occurrences, page, offset)
    evidence = [one for slot in range(len(made.slots)) for one in kept[slot]]
    if made.regex is not None:
        matched = _expression(made, page, reasons)
        if matched is None:
            return _miss(reasons, occurrences, page, offset)
        return _finding(made, evidence, page, scope, offset, matched)
    return _finding(made, evidence, page, scope, offset, None)


def _problem(one: Occurrence, made: CompiledRule, page: Page) -> str | None:
    """Say what keeps an occurrence from counting, or None."""
    rule = made.rule
    word = one.keyword.written
    if rule.match == "word" and not page.is_word(one.start, one.end):
        return f"「{word}」不在词的边界上（分词：{page.words_around(one.start, one.end)}）"
    if one.slot == NONE:
        return None
    return _unwanted(word, one.start, one.end, made, page)


def _unwanted(word: str, start: int, end: int, made: CompiledRule, page: Page) -> str | None:
    rule = made.rule
    if rule.negated == "match" and rule.question == "any":
        return None
    sense = page.sense(start, end)
    if sense.denied and rule.negated == "skip":
        return f"「{word}」被否定（{sense.because}）"
    if not sense.denied and rule.negated == "only":
        return f"「{word}」没有被否定，规则只要否定的"
    if rule.question == "only" and not sense.asked:
        return f"「{word}」在陈述句里，规则只要疑问句"
    if rule.question == "never" and sense.asked:
        return f"「{word}」在疑问句里，规则不要疑问句"
    return None


def _closest(slots: range, kept: dict[int, list[Occurrence]]) -> tuple[int, dict[int, Occurrence]] | None:
    """Find the occurrences of the slots that stand closest: the characters between the outermost two, and which."""
    latest: dict[int, Occurrence] = {}
    best: tuple[int, dict[int, Occurrence]] | None = None
    for one in sorted((one for slot in slots for one in kept[slot]), key=lambda one: (one.start, one.end)):
        latest[one.slot] = one
        if len(latest) == len(slots):
            apart = max(max(each.start for each in latest.values()) - min(each.end for each in latest.values()), 0)
            if best is None or apart < best[0]:
                best = (apart, dict(latest))
    return best


def _expression(made: CompiledRule, page: Page, reasons: list[str]) -> tuple[int, int] | None:
    """Find the first wanted match of the rule's expression, as places in the text with its white space."""
    assert made.regex is not None
    lines, place = page.reading.lines, 0
    for _ in range(MOST_OCCURRENCES):
        matched = made.regex.search(lines, place)
        if matched is None:
            break
        start, end = matched.span()
        problem = _unwanted(lines[start:end], page.from_line(start), page.from_line(end), made, page)
        if problem is None:
            return start, end
        reasons.append(problem)
        place = max(end, start + 1)
    if not reasons:
        reasons.append("正则表达式没有匹配")
    return None


def _finding(
    made: CompiledRule,
    evidence: list[Occurrence],
    page: Page,
    scope: Scope,
    offset: int,
    matched: tuple[int, int] | None,
) -> Finding:
    spans: list[Span] = []
    via: list[str] = []
    for one in evidence:
        start, end = page.reading.span(one.start, one.end)
        spans.append(Span(one.keyword.written, start + offset, end + offset))
        via.append(one.keyword.via)
    if matched is not None:
        start, end = page.reading.line_span(*matched)
        spans.append(Span(page.reading.lines[slice(*matched)], start + offset, end + offset))
        via.append("")
        sense = page.sense(page.from_line(matched[0]), page.from_line(matched[1]))
    else:
        sense = page.sense(evidence[0].start, evidence[0].end)
    heard = any(one.heard for one in evidence)
    return Finding(made, scope, tuple(spans), tuple(via), sense.denied, sense.asked, sense.because, heard)


def _miss(reasons: list[str], occurrences: list[Occurrence], page: Page, offset: int) -> Miss:
    spans = []
    for one in occurrences[:MOST_OCCURRENCES]:
        start, end = page.reading.span(one.start, one.end)
        spans.append(Span(one.keyword.written, start + offset, end + offset))
    return Miss(tuple(dict.fromkeys(reasons)), tuple(spans))


def _some(keywords: list[Keyword]) -> str:
    shown = "、".join(dict.fromkeys(keyword.written for keyword in keywords[:4]))
    return shown + ("……" if len(keywords) > 4 else "")


def keywords_of(made: CompiledRule) -> Iterator[tuple[int, Keyword]]:
    """Give every keyword of a rule with the slot it fills."""
    for slot, keywords in enumerate(made.slots):
        for keyword in keywords:
            yield slot, keyword
    for keyword in made.none:
        yield NONE, keyword


def _file(patterns: dict[str, int], uses: list[Uses], pattern: str, use: tuple[CompiledRule, int, Keyword]) -> None:
    place = patterns.setdefault(pattern, len(patterns))
    if place == len(uses):
        uses.append([])
    uses[place].append(use)


def _concern(concerned: dict[int, tuple[CompiledRule, list[Occurrence]]], made: CompiledRule) -> list[Occurrence]:
    return concerned.setdefault(made.index, (made, []))[1]


def _automaton(patterns: list[str]) -> Scan:
    return ahocorasick_rs.AhoCorasick(
        patterns,
        matchkind=ahocorasick_rs.MatchKind.Standard,
        store_patterns=False,
        implementation=ahocorasick_rs.Implementation.DFA,
    ).find_matches_as_indexes


def _expressions(bare: list[CompiledRule]) -> re2.Set | None:
    """Join the expressions that no keyword leads to, so that one pass says which of them match."""
    if not bare:
        return None
    joined = re2.Set.SearchSet(regex_options())
    for made in bare:
        assert made.rule.regex is not None
        joined.Add(made.rule.regex)
    joined.Compile()
    return joined
