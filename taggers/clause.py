"""How a word is meant where it stands: denied or not, asked or stated, never looking beyond its own clause."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

import ahocorasick_rs

from taggers.cues import CUES, TAGS_BEHIND, Kind
from taggers.fold import Reading

_LIST = list(CUES)
_SCAN = ahocorasick_rs.AhoCorasick(
    _LIST, matchkind=ahocorasick_rs.MatchKind.LeftmostLongest, store_patterns=False
).find_matches_as_indexes
_KINDS: list[frozenset[Kind]] = [CUES[word] for word in _LIST]
_NEGATING = frozenset(word for word, kinds in CUES.items() if kinds & {"not", "ban", "doubt"})

_BREAK = re.compile(r"[,，;；。！!？?：:~～…\n|]+|(?<!\d)\.+|\.+(?!\d)")
_END = re.compile(r"[。！!？?\n;；…]")
_SOFT_END = re.compile(r"[啊呀哈呢吧哦噢喔嘞哟亲了的]*$")
_TAG_QUESTION = re.compile(r"(?:好|行|可以|对|是|懂|知道|明白|ok|中|成)[吗么嘛不]?[啊呀]?$")
_REQUEST = re.compile(r"(?:能不能|可不可以|可以|能|请|麻烦|拜托|希望|求|千万)[^不别]{0,4}$")
_GOING_ON = re.compile(r"在|着|正|可|才|还")

REACH = {"not": 9, "ban": 14, "doubt": 9}
"""How many characters a negation reaches over; Chinese puts what is denied close behind."""


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue of the table where it stands in the folded text."""

    word: str
    kinds: frozenset[Kind]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Sense:
    """How an occurrence is meant, and the words that say so (empty: nothing in the clause denies it)."""

    denied: bool
    asked: bool
    because: str = ""


class Clauses:
    """The clauses of one reading and the cues in them, looked up for each occurrence of a keyword."""

    __slots__ = ("_asked", "_breaks", "_cues", "text")

    def __init__(self, reading: Reading) -> None:
        self.text = reading.text
        self._cues = [Cue(_LIST[key], _KINDS[key], start, end) for key, start, end in _SCAN(self.text)]
        self._breaks = self._bounds(reading.gaps)
        self._asked: dict[int, bool] = {}

    def _bounds(self, gaps: frozenset[int]) -> list[tuple[int, int]]:
        """List the clauses as (start, end); a space parts two clauses only where two words or more precede it."""
        bounds: list[tuple[int, int]] = []
        start = 0
        stops = [(found.start(), found.end()) for found in _BREAK.finditer(self.text)]
        stops.extend((place, place) for place in gaps)
        for stop, after in sorted(stops):
            if stop == after and stop - start < 2:
                continue
            if stop > start:
                bounds.append((start, stop))
            start = max(start, after)
        if start < len(self.text):
            bounds.append((start, len(self.text)))
        return bounds

    def _clause(self, start: int, end: int) -> tuple[int, int]:
        """Give the clause an occurrence stands in; one that itself crosses a break takes all it touches."""
        first = max(bisect_right(self._breaks, (start, len(self.text) + 1)) - 1, 0)
        if not self._breaks:
            return 0, len(self.text)
        left, right = self._breaks[first]
        while right < end and first + 1 < len(self._breaks):
            first += 1
            right = self._breaks[first][1]
        return min(left, start), max(right, end)

    def sense(self, start: int, end: int) -> Sense:
        """Say how the occurrence start..end of the folded text is meant."""
        left, right = self._clause(start, end)
        asked = self._is_asked(left, right)
        denied, because = self._is_denied(left, right, start, end)
        return Sense(denied, asked, because)

    def _is_denied(self, left: int, right: int, start: int, end: int) -> tuple[bool, str]:
        before = self._before(left, start)
        if len(before) % 2 == 0:
            behind = self._dismissal(right, end)
            if behind is None:
                return False, "双重否定" if before else ""
            return not before, f"后面有 {behind.word}" if not before else ""
        cue, kind = before[-1]
        if start - cue.end > REACH[kind]:
            return False, f"{cue.word} 太远"
        if len(before) == 1 and kind == "not" and self._turned_round(left, right, cue, end):
            return False, f"{cue.word}…问句，不作否定"
        return True, f"否定 {cue.word}"

    def _before(self, left: int, start: int) -> list[tuple[Cue, str]]:
        """Collect the negations that still hold where the occurrence begins."""
        found: list[tuple[Cue, str]] = []
        for cue in self._cues:
            if cue.start < left:
                continue
            if cue.start >= start:
                break
            if cue.end > start:
                core = self.text[cue.start : start]
                if core in _NEGATING:
                    cue = Cue(core, CUES[core], cue.start, start)
                else:
                    continue
            kinds = cue.kinds
            if "none" in kinds or "lack" in kinds:
                if "turn" in kinds:
                    found = []
                continue
            kind = "ban" if "ban" in kinds else "not" if "not" in kinds else "doubt" if "doubt" in kinds else ""
            if kind:
                if self._either_or(cue, left):
                    found = []
                elif found and found[-1][0].end == cue.start and found[-1][0].word == cue.word[0]:
                    found[-1] = (cue, kind)
                else:
                    found.append((cue, kind))
            elif "turn" in kinds:
                found = []
        return found

    def _either_or(self, cue: Cue, left: int) -> bool:
        """Recognise 贵不贵, 便不便宜, 喜欢不喜欢, which ask and deny nothing."""
        text, place = self.text, cue.start
        if cue.word[0] not in "不没":
            return False
        for size in (1, 2):
            head = text[max(place - size, left) : place]
            if len(head) == size and text.startswith(head, place + 1):
                return True
        return False

    def _turned_round(self, left: int, right: int, cue: Cue, end: int) -> bool:
        """不是有优惠吗, 没有优惠？: a negation in a yes-or-no question claims or asks, it does not deny."""
        tail = self.text[end:right]
        bare = _SOFT_END.sub("", tail)
        particle = bare.endswith(("吗", "么", "嘛"))
        mark = self.text[right : right + 1] in ("?", "？")
        if not (particle or mark):
            return False
        if particle and _TAG_QUESTION.search(bare[:-1]) and len(bare) <= 4 and bare[:-1] != "":
            return False
        if _REQUEST.search(self.text[left : cue.start]):
            return False
        return not any(
            "turn" in one.kinds and end <= one.start < right and one.word not in ("了", "一下") for one in self._cues
        )

    def _dismissal(self, right: int, end: int) -> Cue | None:
        """Find 价格就不用说了: a refusal close behind, in a clause that does not ask."""
        if self.text[right : right + 1] in ("?", "？"):
            return None
        for cue in self._cues:
            if cue.start < end:
                continue
            if cue.start >= right or cue.start - end > 5:
                return None
            if "dismiss" in cue.kinds and not self._either_or(cue, 0):
                rest = self.text[cue.end : right]
                return cue if len(rest) <= 4 and not rest.endswith(("吗", "么", "嘛")) else None
            if cue.kinds & {"what", "lack", "ask"}:
                return None
        return None

    def _is_asked(self, left: int, right: int) -> bool:
        known = self._asked.get(left)
        if known is None:
            known = self._asked[left] = self._asks(left, right) or self._asked_behind(right)
        return known

    def _asks(self, left: int, right: int) -> bool:
        if self.text[right : right + 1] in ("?", "？"):
            return True
        knows = False
        for cue in self._cues:
            if cue.end <= left:
                continue
            if cue.start >= right:
                break
            kinds = cue.kinds
            if "know" in kinds:
                knows = True
            elif "ask" in kinds or "lack" in kinds:
                return True
            elif "what" in kinds:
                if cue.word in ("吗", "么") or not (knows or self._whatever(cue, right)):
                    return True
            elif ("not" in kinds or "ban" in kinds) and (
                self._either_or(cue, left) or self._ends_on(cue, left, right)
            ):
                return True
        bare = self.text[left:right].rstrip("啊呀哈亲 ")
        return bare.endswith("呢") and _GOING_ON.search(bare) is None

    def _whatever(self, cue: Cue, right: int) -> bool:
        """什么时候都可以, 多少钱也行: a question word before 都 or 也 asks nothing."""
        return re.match(r".{0,6}?(?:都|也)", self.text[cue.end : right]) is not None and not self.text[
            cue.end : right
        ].endswith(("吗", "么"))

    def _ends_on(self, cue: Cue, left: int, right: int) -> bool:
        """有优惠没, 贵不: a bare negation at the end of a clause asks."""
        return cue.word in ("不", "没", "没有") and cue.end == right and cue.start - left >= 2

    def _asked_behind(self, right: int) -> bool:
        """Look at what follows: a clause that only asks back, or the question mark of a list of bare nouns."""
        if _END.match(self.text, right):
            return False
        index = bisect_right(self._breaks, (right, -1))
        rest = self._breaks[index : index + 4]
        for place, (left, end) in enumerate(rest):
            if place == 0 and self.text[left:end].strip("啊呀哈亲 ") in TAGS_BEHIND:
                return True
            mark = self.text[end : end + 1]
            if mark in ("?", "？"):
                return (
                    not any(cue.kinds & {"what", "ask", "lack"} for cue in self._cues if left <= cue.start < end)
                    and end - left <= 6
                )
            if _END.match(self.text, end):
                return False
        return False
