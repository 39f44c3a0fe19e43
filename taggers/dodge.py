"""Dodging: signs put inside a word so that no rule hears it (退-款, 价.格), told from signs that separate."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise

from taggers.fold import TABLE, Reading

_EMOJI = ((0x2600, 0x27C0), (0x1F300, 0x1F650), (0x1F680, 0x1F700), (0x1F900, 0x1FB00))
EMOJI = "".join(chr(code) for start, end in _EMOJI for code in range(start, end) if code not in TABLE)
"""Pictures; skin tones and the like, which folding drops, are none by themselves."""
SIGNS = "*_#^+=|\\&~～·•‧・`'丶丨./-%$>" + EMOJI
_SIGN = re.escape(SIGNS)
_HAN = "\u3400-\u9fff"
_BETWEEN = re.compile(
    rf"(?<=[{_HAN}])(?:[{_SIGN}]{{1,2}}|\*{{3,8}})(?=[{_HAN}])|(?<![a-z0-9][a-z])(?<=[a-z])[*_#+·•‧^={EMOJI}]{{1,2}}(?=[{_HAN}])|(?<![a-z0-9])[a-z](?:[{_SIGN}][a-z]){{2,}}(?![a-z0-9])"
    rf"|(?<=[a-z])[-_](?=[a-z0-9])"  # Wi-Fi, GPT-4: a name may be written with a hyphen or without
)
# Two that are a word together and a choice when a sign parts them: 大/小 is one or the other.
_CHOICES = frozenset(
    re.findall(
        "..",
        "大小多少买卖男女有无上下左右前后早晚来去来回进出出入高低长短快慢好坏新旧老少父母东西南北收发开关借还听说读写吃喝"
        "轻重远近冷热深浅真假内外正反胜负输赢加减公母黑白手脚里外天地",
    )
)
BARE = {**TABLE, **dict.fromkeys(map(ord, SIGNS), "")}
"""Folds a text and takes the signs out of it as well: what might be hidden in it."""
for _code, _folded in TABLE.items():
    if _folded and _folded in SIGNS:
        BARE[_code] = ""

_Cut = Callable[[str, bool], list[str]]


class PiecedReading(Reading):
    """A reading without the signs between letters. `cuts` are the places, in order, where signs stood."""

    __slots__ = ("cuts",)
    cuts: tuple[int, ...]

    def is_dodged(self, start: int, end: int, cut: _Cut) -> bool:
        """Tell whether the keyword at start..end was evidently taken apart by signs.

        A piece of it is a lone character, and neither end of it belongs to a word beside it (签到-店铺). A Latin name
        may be written with hyphens whatever its pieces (Wi-Fi).
        """
        inside = [place for place in self.cuts if start < place < end]
        if not inside or self.text[start:end] in _CHOICES:
            return False
        bounds = [start, *inside, end]
        latin = self.text[start:end].isascii()
        if not latin and all(right - left > 1 for left, right in pairwise(bounds)):
            return False
        return self._is_edge(start, cut) and self._is_edge(end, cut)

    def crosses(self, start: int, end: int) -> bool:
        """Tell whether a sign stood inside start..end."""
        at = bisect_right(self.cuts, start)
        return at < len(self.cuts) and self.cuts[at] < end

    def _is_edge(self, place: int, cut: _Cut) -> bool:
        """Tell whether a word begins or ends at a place, looking no farther than from sign to sign."""
        at = bisect_right(self.cuts, place)
        left = self.cuts[at - 1] if at else 0
        if left == place:
            return True
        right = self.cuts[at] if at < len(self.cuts) else len(self.text)
        left, right = max(left, place - _AROUND), min(right, place + _AROUND)
        for word in cut(self.text[left:right], False):
            if left >= place:
                break
            left += len(word)
        return left == place


_MOST_SIGNS = 200
"""Signs between letters that are read past; a text that holds more of them is a drawing, no dodging."""
_AROUND = 12
"""Characters on either side that can decide where a word ends."""


def pieced(reading: Reading) -> PiecedReading | None:
    """Read a text without the signs between its letters; None where there are none."""
    drops = [
        place
        for found in _BETWEEN.finditer(reading.text)
        for place in range(*found.span())
        if reading.text[place] in SIGNS
    ]
    if not 0 < len(drops) <= _MOST_SIGNS:
        return None
    gone = set(drops)
    kept = [place for place in range(len(reading.text)) if place not in gone]
    places = kept if reading.places is None else [reading.places[place] for place in kept]

    def moved(place: int) -> int:
        return place - bisect_right(drops, place - 1)

    cuts = tuple(sorted({moved(place) for place in drops}))
    made = PiecedReading(
        "".join(reading.text[place] for place in kept),
        places,
        tuple(moved(gap) for gap in reading.gaps),
        reading.lines,
        range(len(reading.lines)) if reading.line_places is None else reading.line_places,
        tuple(sorted({*cuts, *(moved(seam) for seam in reading.seams)})),
    )
    made.cuts = cuts
    return made
