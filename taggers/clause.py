"""Clauses of a reading, and the cue words that stand in them.

A cue is (key, start, end): its row in the table of cues and its place in the folded text. They are plain tuples and
the kinds are bits, since every candidate message pays for each of them. What ends a clause is found in the same scan.
"""

from __future__ import annotations

import re
from bisect import bisect_left

import ahocorasick_rs

from taggers.cues import CUES, DOINGS, CueKind
from taggers.fold import Reading

NOT, BAN, NONE, LACK, TURN, SOFT, DISMISS, DOUBT, WHAT, ASK, KNOW, LATER = (1 << at for at in range(12))
NEGATES = NOT | BAN | DOUBT
_BITS_OF: dict[CueKind, int] = {
    "not": NOT,
    "ban": BAN,
    "none": NONE,
    "lack": LACK,
    "turn": TURN,
    "soft": SOFT,
    "dismiss": DISMISS,
    "doubt": DOUBT,
    "what": WHAT,
    "ask": ASK,
    "know": KNOW,
    "later": LATER,
}

WORDS: list[str] = list(CUES)
BITS: list[int] = [sum(_BITS_OF[kind] for kind in CUES[word]) for word in WORDS]
KEYS: dict[str, int] = {word: key for key, word in enumerate(WORDS)}

FAR = 40
"""Characters around an occurrence that are looked at for cues, so that an endless clause costs no more."""

Cue = tuple[int, int, int]
Bounds = tuple[int, int]

_BREAKS = ",，;；。！!？?：:~～…\n|."
_POINT = len(WORDS) + _BREAKS.index(".")
_SCAN = ahocorasick_rs.AhoCorasick(
    [*WORDS, *_BREAKS],
    matchkind=ahocorasick_rs.MatchKind.LeftmostLongest,
    store_patterns=False,
    implementation=ahocorasick_rs.Implementation.DFA,
).find_matches_as_indexes
# Who has not done it, if not the other side: the speaker and those around them.
_SELF = re.compile(
    r"(?<![到给对跟和向替把])(?:我|我们|咱们?|俺们?|本人|我这边|我这里|我自己|自己|我俩)"
    r"(?:从来?|一直|还|也|真的?|又|都|就|可|才|到现在|至今|之前|以前|目前|暂时|压根|根本|确实|这次|"
    r"今天|昨天|这边|这里|这|并)*$"
)
_KIN = re.compile(
    r"(?:老公|老婆|爸爸?|妈妈?|孩子|宝宝|娃|对象|男朋友|女朋友|朋友|同事|闺蜜|家人|家里|我家那位|邻居|"
    r"医生|婆婆|亲戚)[都也还]?$"
)
_FEW = 12  # with so few cues a search costs more than looking at all of them


def is_own(head: str) -> bool:
    """Tell whether what stands before a negation names the speaker or their family as those who have not done it."""
    return _SELF.search(head) is not None or _KIN.search(head) is not None


class Clauses:
    """The clauses of one reading. `parts` ends clauses at spaces too, `sentences` only at punctuation."""

    __slots__ = ("_starts", "cues", "parts", "sentences", "text")

    def __init__(self, reading: Reading) -> None:
        self.text = text = reading.text
        self._starts: list[int] | None = None
        self.cues: list[Cue] = []
        self.sentences: list[Bounds] = []
        begun = 0
        for cue in _SCAN(text):
            key, start, end = cue
            if key < len(BITS):
                self.cues.append(cue)
            elif key != _POINT or not (text[start - 1 : start].isdigit() and text[end : end + 1].isdigit()):
                if start > begun:
                    self.sentences.append((begun, start))
                begun = end
        if begun < len(text):
            self.sentences.append((begun, len(text)))
        self.parts = self._parted(reading.gaps) if reading.gaps else self.sentences

    def _parted(self, gaps: tuple[int, ...]) -> list[Bounds]:
        """End clauses at spaces too, but only where two characters or more precede one: 不 贵 stays whole."""
        parts: list[Bounds] = []
        for start, end in self.sentences:
            for gap in gaps[bisect_left(gaps, start + 2) : bisect_left(gaps, end)]:
                if gap - start >= 2:
                    parts.append((start, gap))
                    start = gap
            parts.append((start, end))
        return parts

    def around(self, bounds: list[Bounds], start: int, end: int) -> Bounds:
        """Give the clause an occurrence stands in; one that itself crosses a break takes all it touches."""
        at = bisect_left(bounds, (start + 1, -1)) - 1 if len(bounds) > 1 else 0
        if at < 0 or not bounds:
            return start, end
        left, right = bounds[at]
        while right < end and at + 1 < len(bounds):
            at += 1
            right = bounds[at][1]
        return (left, right) if left <= start and right >= end else (min(left, start), max(right, end))

    def after(self, place: int) -> list[Bounds]:
        """Give the few clauses that follow a place."""
        at = bisect_left(self.sentences, (place, -1))
        return self.sentences[at : at + 4]

    def following(self, place: int, most: int) -> list[Bounds]:
        """Give the next few clauses behind a place, with those that end at spaces told apart."""
        at = bisect_left(self.parts, (place, -1))
        return self.parts[at : at + most]

    def between(self, left: int, right: int) -> list[Cue]:
        """Give the cues that begin in left..right, and where there are few of them all the others too."""
        cues = self.cues
        if len(cues) <= _FEW:
            return cues
        if self._starts is None:
            self._starts = [cue[1] for cue in cues]
        return cues[bisect_left(self._starts, left) : bisect_left(self._starts, right)]

    def marked(self, right: int) -> bool:
        """Tell whether the clause that ends here ends in a question mark."""
        return self.text.startswith(("?", "？"), right)

    def own_doing(self, cue: Cue, left: int) -> bool:
        """Recognise 我没发过投诉, in which the speaker says what they themselves did not do: nothing is asked for."""
        return WORDS[cue[0]] in DOINGS and is_own(self.text[max(left, cue[1] - FAR) : cue[1]])

    def either_or(self, place: int, left: int) -> bool:
        """Recognise 贵不贵, 便不便宜, 喜欢不喜欢, which ask and deny nothing, by the 不 or 没 at a place."""
        text = self.text
        if text[place] not in "不没":
            return False
        return (place - 1 >= left and text.startswith(text[place - 1], place + 1)) or (
            place - 2 >= left and text.startswith(text[place - 2 : place], place + 1)
        )
