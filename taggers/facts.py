"""Facts heard: which value of a field a message tells that a rule has hit, read by the kind of the field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from taggers.ages import ages
from taggers.days import Found, dates, months
from taggers.fold import TABLE
from taggers.hits import Span, TagHit
from taggers.numbers import Number, numbers, whole_number
from taggers.utterance import Utterance, split_quote

FactKind = Literal["text", "date", "month", "age", "money", "phone", "count", "choice"]
LONGEST = 200
_READ = frozenset({"typed", "mixed"})

_SENTENCE_END = re.compile(r"[。！!？?；;\n]+")
_CLAUSE_END = re.compile(r"[，,。！!？?；;\n、]")
_DENIED = re.compile(r"(?:不是|不会是|并非|不要|不想|别)[^，,。；;\n]{0,2}$")
_IMAGINED = re.compile(r"如果|假如|要是|万一|假设|比如|例如|打个比方")
_OTHERS = re.compile(r"(?:朋友|闺蜜|同事|邻居|同学|亲戚|别人|人家|她们|他们|表姐|表妹|嫂子|弟媳|小姑子)(?:家|她|他)?")
_PHONE = re.compile(r"(?<!\d)(?:\+?86[- ]?)?(1[3-9]\d(?:[- ]?\d{4}){2})(?!\d)|(?<!\d)(0\d{2,3})[- ]?(\d{7,8})(?!\d)")
_COUNT = re.compile(r"(?<![\d.第几])(\d{1,6}|[零〇一二两三四五六七八九十百千]{1,6})(?![\d.％%折点月年])")
_UNIT = r"(?:块钱|元钱|块|元|圆)?"
_TO = re.compile(rf"\s*{_UNIT}\s*(?:-|~|～|—+|－|到|至)\s*$")
_ABOUT = re.compile(rf"\s*{_UNIT}\s*(?:以内|以下|之内|内|封顶)")
_AT_LEAST = re.compile(rf"\s*{_UNIT}\s*(?:以上|起步|起|往上|打底)")
_UP_TO = re.compile(r"(?:不超过|不能超过|别超过|最多|顶多|低于|少于|不到|最高)\s*(?:是|就|也就)?\s*$")
_FROM = re.compile(r"(?:至少|不低于|最少|起码|高于|超过)\s*(?:是|要|得)?\s*$")
_PAIR = re.compile(
    r"(?P<low>[一两二三四五六七八九])(?P<high>[两二三四五六七八九])(?P<scale>[百千万]|十万|百万)(?![\d一二三四五六七八九])"
)
_SCALE = {"百": 100, "千": 1_000, "万": 10_000, "十万": 100_000, "百万": 1_000_000}


@dataclass(frozen=True, slots=True)
class FactField:
    """A field as it is read: its kind, the words of a choice, and whether a day without its year has passed."""

    name: str
    kind: FactKind = "text"
    choices: tuple[str, ...] = ()
    past: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """What was told: the value as it is kept, and the words that tell it, at start..end of the message."""

    field: str
    value: str
    words: str
    start: int
    end: int


def told(field: FactField, utterance: Utterance, hit: TagHit, day: date) -> Fact | None:
    """Give the value that a message tells of a field, said on the local `day`; None where it tells none.

    It is the one in the same sentence that stands nearest behind the words the rule has found (or before them),
    unless it is denied, asked, only imagined, or about somebody else. An expression with a named group says itself
    where it stands.
    """
    if hit.doubtful:
        return None
    for part in utterance.parts or split_quote(utterance.text):
        if part.scope not in _READ:
            continue
        spans = [_moved(span, -part.offset) for span in hit.spans]
        inside = [span for span in spans if span.start >= 0 and span.end <= len(part.text)]
        group = _moved(hit.value, -part.offset) if hit.value is not None else None
        found = _in_text(
            field, part.text, (group if group is None else [group]) or inside, day, exact=group is not None
        )
        if found is not None:
            words = part.text[found.start : found.end]
            return Fact(field.name, found.value, words, found.start + part.offset, found.end + part.offset)
    return None


def read_written(field: FactField, text: str, day: date) -> str | None:
    """Read what a person typed into a field, such as 8个月 or 2-3万; None where it is no such value."""
    found = list(_values(field, _folded(text), day))
    return found[0].value if len(found) == 1 else None


def _moved(span: Span, by: int) -> Span:
    return Span(span.keyword, span.start + by, span.end + by)


def _in_text(field: FactField, text: str, spans: Sequence[Span], day: date, *, exact: bool) -> Found | None:
    folded = _folded(text)
    for span in spans:
        if not (0 <= span.start < span.end <= len(text)):
            continue
        if exact and field.kind == "text":
            words = " ".join(text[span.start : span.end].split())[:LONGEST]
            return Found(words, span.start, span.end) if words and _is_meant(folded, span.start) else None
        first, last = (span.start, span.end) if exact else _sentence(folded, span)
        found = [one for one in _values(field, folded, day) if first <= one.start and one.end <= last]
        meant = [one for one in found if _is_meant(folded, one.start)]
        if meant:
            return min(meant, key=lambda one: (one.end <= span.start, abs(one.start - span.end)))
    return None


def _sentence(text: str, span: Span) -> tuple[int, int]:
    before = [end.end() for end in _SENTENCE_END.finditer(text, 0, span.start)]
    after = _SENTENCE_END.search(text, span.end)
    return before[-1] if before else 0, after.start() if after else len(text)


def _is_meant(text: str, start: int) -> bool:
    """Whether a value that begins here is said of the customer, as it is."""
    clauses = [end.end() for end in _CLAUSE_END.finditer(text, 0, start)]
    clause = text[clauses[-1] if clauses else 0 : start]
    return not (_DENIED.search(clause) or _IMAGINED.search(clause) or _OTHERS.search(clause))


def _values(field: FactField, text: str, day: date) -> Iterator[Found]:
    if field.kind == "date":
        return dates(text, day, past=field.past)
    if field.kind == "month":
        return months(text, day, past=field.past)
    if field.kind == "age":
        return ages(text, day)
    if field.kind == "money":
        return _sums(text)
    if field.kind == "phone":
        return _phones(text)
    if field.kind == "count":
        return _counts(text)
    return _chosen(text, field.choices) if field.kind == "choice" else iter(())


def _phones(text: str) -> Iterator[Found]:
    for found in _PHONE.finditer(text):
        mobile = re.sub(r"[- ]", "", found[1] or "")
        yield Found(mobile or f"{found[2]}-{found[3]}", *found.span())


def _counts(text: str) -> Iterator[Found]:
    for found in _COUNT.finditer(text):
        number = whole_number(found[1])
        if number is not None:
            yield Found(str(number), *found.span())


def _chosen(text: str, choices: Sequence[str]) -> Iterator[Found]:
    taken: list[range] = []
    for choice in sorted(choices, key=len, reverse=True):
        for found in re.finditer(re.escape(_folded(choice)), text):
            if not any(found.start() in other for other in taken):
                taken.append(range(*found.span()))
                yield Found(choice, *found.span())


def _sums(text: str) -> Iterator[Found]:
    """Sums and ranges of money: 20000, 20000-30000, 5000- (at least), -5000 (at most)."""
    pairs = list(_PAIR.finditer(text))
    for pair in pairs:
        low, high = (whole_number(pair[name]) or 0 for name in ("low", "high"))
        if high == low + 1:
            scale = _SCALE[pair["scale"]]
            yield Found(f"{low * scale}-{high * scale}", *pair.span())
    paired = [range(*pair.span()) for pair in pairs]
    found = [n for n in numbers(text) if n.amount and not any(n.start in place for place in paired)]
    place = 0
    while place < len(found):
        first = found[place]
        second = found[place + 1] if place + 1 < len(found) else None
        place += 1
        if second is not None and _TO.fullmatch(text[first.end : second.start]):
            place += 1
            yield _range(first, second)
        else:
            yield _one_sum(text, first)


def _range(first: Number, second: Number) -> Found:
    low, high = first.amount or Decimal(0), second.amount or Decimal(0)
    return Found(f"{_plain(min(low, high))}-{_plain(max(low, high))}", first.start, second.end)


def _one_sum(text: str, number: Number) -> Found:
    amount = _plain(number.amount or Decimal(0))
    limit, least = _ABOUT.match(text, number.end), _AT_LEAST.match(text, number.end)
    if limit is not None:
        return Found(f"-{amount}", number.start, limit.end())
    if least is not None:
        return Found(f"{amount}-", number.start, least.end())
    before = text[: number.start]
    if _UP_TO.search(before):
        return Found(f"-{amount}", number.start, number.end)
    if _FROM.search(before):
        return Found(f"{amount}-", number.start, number.end)
    return Found(amount, number.start, number.end)


def _plain(amount: Decimal) -> str:
    """A sum as it is kept: whole yuan, or with its cents; what 多 added is left out."""
    whole = amount.quantize(Decimal("0.01"), rounding="ROUND_DOWN")
    return f"{whole.normalize():f}"


def _folded(text: str) -> str:
    """The text in the rules' spelling, every character where it was."""
    return "".join(new if len(new := TABLE.get(ord(char), char)) == 1 else " " for char in text)
