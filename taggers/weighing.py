"""Check whether the keywords found in one reading satisfy a rule, and say what kept them from doing so."""

from __future__ import annotations

from dataclasses import dataclass

import re2

from taggers.compiled import CompiledRule, Keyword
from taggers.dodge import PiecedReading
from taggers.hits import Span
from taggers.page import Page
from taggers.polarity import spoken
from taggers.translatable import Translatable
from taggers.utterance import Scope

MOST_OCCURRENCES = 32
"""Occurrences of one slot that are weighed in one reading; a message that repeats a word more often says no more."""

MOST_EDGED = 512
"""Occurrences of Latin words and numbers of which it is asked whether they are whole, of one rule in one reading."""

NONE = -1
"""The slot of a rule's `none`."""

HINT = -2
"""The slot of a literal that only says that a rule's expression is worth trying."""

AMOUNT = -3
"""The slot of an amount of money."""

KeywordMatch = tuple[int, int, int, Keyword, bool]
"""(slot, start, end, keyword, heard): a keyword in the folded text; `heard` if it only sounds like it."""

Concerned = dict[int, tuple[CompiledRule, list[KeywordMatch]]]
"""The rules a reading may concern, by their index, with what of them stands in it."""


@dataclass(slots=True)
class RuleMatch:
    """A rule that is satisfied by one part, with its evidence. `via` goes with `spans`."""

    rule: CompiledRule
    scope: Scope
    spans: list[Span]
    via: list[str]
    denied: bool
    asked: bool
    because: str
    heard: bool
    pieced: bool = False
    value: Span | None = None


def concern(concerned: Concerned, made: CompiledRule) -> list[KeywordMatch]:
    """Give the list that a rule's occurrences go to."""
    known = concerned.get(made.index)
    if known is None:
        known = concerned[made.index] = (made, [])
    return known[1]


def weigh(
    made: CompiledRule,
    occurrences: list[KeywordMatch],
    page: Page,
    scope: Scope,
    offset: int,
    why: list[str] | None = None,
) -> RuleMatch | None:
    """Ask of one rule whether its occurrences satisfy it; if it is asked why, it says what kept it from doing so."""
    if why is None and not made.simple and len({one[0] for one in occurrences} - {NONE}) < len(made.slots):
        return None
    placed = _placed(occurrences, made, page, why)
    if made.simple:
        if made.any_sense:
            counted = placed
        elif made.unless_denied and why is None:
            counted = [one for one in placed if not page.sense(one[1], one[2])[0]]
        else:
            counted = [one for one in placed if _is_meant(one, made, page, why)]
        return _finding(made, counted, page, scope, offset, None) if counted else None
    kept: dict[int, list[KeywordMatch]] = {}
    for one in placed:
        if one[0] == NONE:
            _say(why, "出现了「{word}」（none 里的词）", word=one[3].written)
            return None
        if made.any_sense or _is_meant(one, made, page, why):
            kept.setdefault(one[0], []).append(one)
    if len(kept) < len(made.slots):
        if why is not None:
            seen = {one[0] for one in occurrences}
            why.extend(_lacking(keywords) for slot, keywords in enumerate(made.slots) if slot not in seen)
        return None
    if made.near and not _near(made, kept, why):
        return None
    evidence = [one for slot in range(len(made.slots)) for one in kept[slot]]
    if made.rule.amount is not None:
        sums = _amounts(made, page, why)
        if not sums:
            return None
        evidence.extend(sums)
    matched = None
    if made.regex is not None:
        matched = _expression(made, page, why)
        if matched is None:
            return None
    return _finding(made, evidence, page, scope, offset, matched)


def _say(why: list[str] | None, wording: str, **values: object) -> None:
    """Add a reason if an explanation is wanted; else build none, since this runs for every candidate message."""
    if why is not None:
        why.append(Translatable(wording, **values))


def _placed(
    occurrences: list[KeywordMatch], made: CompiledRule, page: Page, why: list[str] | None
) -> list[KeywordMatch]:
    """Keep what stands on word boundaries, if the rule wants words, and of each slot no more than is worth it."""
    placed = occurrences
    if made.edged:
        occurrences = occurrences[:MOST_EDGED]
        placed = [one for one in occurrences if not one[3].edged or page.is_whole(one[1], one[2])]
        if why is not None:
            why.extend(_broken_off(occurrences, page))
    if made.by_word:
        whole, placed = placed, [one for one in placed if page.is_word(one[1], one[2])]
        if why is not None and len(placed) < len(whole):
            for slot, start, end, keyword, _ in whole[:MOST_OCCURRENCES]:
                if slot != NONE and not page.is_word(start, end):
                    why.append(
                        Translatable(
                            "「{word}」不在词的边界上（分词：{cut}）",
                            word=keyword.written,
                            cut=page.words_around(start, end),
                        )
                    )
    if len(placed) <= MOST_OCCURRENCES:
        return placed
    seen: dict[int, int] = {}
    fewer = []
    for one in placed:
        seen[one[0]] = count = seen.get(one[0], 0) + 1
        if count <= MOST_OCCURRENCES:
            fewer.append(one)
    return fewer


def _broken_off(occurrences: list[KeywordMatch], page: Page) -> list[Translatable]:
    """Say which keywords are only a part of a longer number or run of letters."""
    return [
        Translatable("「{word}」只是「{whole}」的一部分", word=keyword.written, whole=page.whole_around(start, end))
        for slot, start, end, keyword, _ in occurrences[:MOST_OCCURRENCES]
        if slot != NONE and keyword.edged and not page.is_whole(start, end)
    ]


def _is_meant(one: KeywordMatch, made: CompiledRule, page: Page, why: list[str] | None) -> bool:
    """Tell whether an occurrence has the polarity and the form the rule wants."""
    return _is_said(one[3].written, one[1], one[2], made, page, why)


def _is_said(word: str, start: int, end: int, made: CompiledRule, page: Page, why: list[str] | None) -> bool:
    rule = made.rule
    denied, asked, because = page.sense(start, end)
    if denied and rule.negated == "skip":
        _say(why, "「{word}」被否定（{because}）", word=word, because=spoken(because))
    elif not denied and rule.negated == "only" and because:
        _say(why, "「{word}」没有被否定（{because}），规则只要否定的", word=word, because=spoken(because))
    elif not denied and rule.negated == "only":
        _say(why, "「{word}」没有被否定，规则只要否定的", word=word)
    elif rule.question == "only" and not asked:
        _say(why, "「{word}」在陈述句里，规则只要疑问句", word=word)
    elif rule.question == "never" and asked:
        _say(why, "「{word}」在疑问句里，规则不要疑问句", word=word)
    else:
        return True
    return False


def _near(made: CompiledRule, kept: dict[int, list[KeywordMatch]], why: list[str] | None) -> bool:
    """Keep of the `near` slots the occurrences that stand closest; tell whether that is close enough."""
    assert made.rule.near is not None
    latest: dict[int, KeywordMatch] = {}
    best: dict[int, KeywordMatch] = {}
    least = -1
    for one in sorted((one for slot in made.near for one in kept[slot]), key=lambda one: one[1:3]):
        latest[one[0]] = one
        if len(latest) == len(made.near):
            apart = max(max(each[1] for each in latest.values()) - min(each[2] for each in latest.values()), 0)
            if least < 0 or apart < least:
                least, best = apart, dict(latest)
    if least > made.rule.near.within:
        _say(why, "near 的词相隔 {least} 个字，最多 {most} 个", least=least, most=made.rule.near.within)
        return False
    for slot, one in best.items():
        kept[slot] = [one]
    return True


def _amounts(made: CompiledRule, page: Page, why: list[str] | None) -> list[KeywordMatch]:
    """Find the amounts of money that the rule asks for and that are meant as it wants them."""
    wanted = made.rule.amount
    assert wanted is not None
    spoken, found = page.amounts(), []
    for start, end, amount in spoken[:MOST_OCCURRENCES]:
        if amount in wanted:
            word = page.reading.text[start:end]
            if made.any_sense or _is_said(word, start, end, made, page, why):
                found.append((AMOUNT, start, end, Keyword(word, word), False))
    if not found and not any(one.amount in wanted for one in spoken):
        said = [page.reading.text[start:end] for start, end, _ in spoken[:4]]
        if said:
            _say(why, "没有说到 {wanted} 元（说到 {said}）", wanted=str(wanted), said="、".join(said))
        else:
            _say(why, "没有说到 {wanted} 元", wanted=str(wanted))
    return found


def _expression(made: CompiledRule, page: Page, why: list[str] | None) -> re2._Match | None:
    """Find the first wanted match of the rule's expression, as places in the text with its white space."""
    assert made.regex is not None
    lines, place = page.reading.lines, 0
    for _ in range(MOST_OCCURRENCES):
        matched = made.regex.search(lines, place)
        if matched is None:
            break
        start, end = matched.span()
        first, last = page.from_line(start), page.from_line(end)
        if made.any_sense or _is_said(lines[start:end], first, last, made, page, why):
            return matched
        place = max(end, start + 1)
    if not why:
        _say(why, "正则表达式没有匹配")
    return None


def _finding(
    made: CompiledRule,
    evidence: list[KeywordMatch],
    page: Page,
    scope: Scope,
    offset: int,
    matched: re2._Match | None,
) -> RuleMatch:
    spans: list[Span] = []
    via: list[str] = []
    heard = False
    reading = page.reading
    for _, start, end, keyword, only_heard in evidence:
        if reading.places is not None:
            start, end = reading.span(start, end)
        spans.append(Span(keyword.written, start + offset, end + offset))
        via.append(keyword.via)
        heard = heard or only_heard
    if matched is not None:
        first, last = matched.span()
        left, right = reading.line_span(first, last)
        spans.append(Span(reading.lines[first:last], left + offset, right + offset))
        via.append("")
        sense = page.sense(page.from_line(first), page.from_line(last))
    else:
        sense = page.sense(*evidence[0][1:3])
    pieced = isinstance(reading, PiecedReading)
    value = None if matched is None or not made.rule.field else _named(made, matched, page, offset)
    return RuleMatch(made, scope, spans, via, sense.denied, sense.asked, sense.because, heard, pieced, value)


def _named(made: CompiledRule, matched: re2._Match, page: Page, offset: int) -> Span | None:
    """Where the named group of the expression stands in the original; None where there is none, or it is empty."""
    assert made.regex is not None
    number = min(made.regex.groupindex.values(), default=0)
    start, end = matched.span(number) if number else (-1, -1)
    if start < 0 or start == end:
        return None
    left, right = page.reading.line_span(start, end)
    return Span(page.reading.lines[start:end], left + offset, right + offset)


def spans_of(occurrences: list[KeywordMatch], page: Page, offset: int) -> list[Span]:
    """Give the places of occurrences in the original text."""
    spans = []
    for _, start, end, keyword, _ in occurrences[:MOST_OCCURRENCES]:
        left, right = page.reading.span(start, end)
        spans.append(Span(keyword.written, left + offset, right + offset))
    return spans


def _lacking(keywords: list[Keyword]) -> Translatable:
    words = list(dict.fromkeys(keyword.written for keyword in keywords[:4]))
    return Translatable("没有出现 {words}{more}", words=words, more="……" if len(keywords) > 4 else "")
