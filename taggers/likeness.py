"""Likeness of texts: the terms by which two ways to say a thing are found alike, each with its weight."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from taggers.everyday_synonyms import SLIGHT, meanings
from taggers.fold import fold
from taggers.rule import Synonym
from taggers.segment import Segmenter

_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*|\*{2,}")
_BLOCK = re.compile(r"[\u3400-\u9fffa-z0]+")
_REMEMBERED = 2_000
LONGEST = 400
"""Characters that are read of one text."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """How much each kind of term counts. power: of the rarity of a term; slight: what words and characters that say
    little keep of their weight."""

    word: float
    meaning: float
    character: float
    pair: float
    slight: float
    power: float


QUESTIONS = Mixture(word=0.2, meaning=1.0, character=0.5, pair=0.25, slight=0.3, power=1.0)
"""For a question written apart from its talk: what is meant counts most."""

TALK = Mixture(word=0.7, meaning=0.0, character=0.5, pair=0.5, slight=0.3, power=-0.25)
"""For what is said in a talk: what is rare there is mostly a name, so the rarer a term the less it counts; what says
much is learned (`telling.py`)."""


class Terms:
    """Reads texts into terms. Nothing in it changes after it is made."""

    def __init__(self, words: Sequence[str] = (), synonyms: Sequence[Synonym] = ()) -> None:
        own = {fold(word): one.name for one in synonyms for word in one.words if not word.startswith("@")}
        self._segmenter = Segmenter(tuple(dict.fromkeys((*words, *(word for word in own if len(word) > 1)))))
        self._meanings: Mapping[str, str] = {**meanings(), **own}

        self.of = lru_cache(maxsize=_REMEMBERED)(self._of)
        """The terms of a text, which are not to be changed: the turns of a talk are asked for again and again."""

    def _of(self, text: str, mixture: Mixture) -> Mapping[str, float]:
        """Numbers are one and the same, however they are written."""
        found: dict[str, float] = {}
        for block in _blocks(text):
            words = self._segmenter.words(block)
            for word in words:
                share = mixture.slight if word in SLIGHT else 1.0
                _add(found, f"w{word}", mixture.word * share)
                _add(found, f"m{self._meanings.get(word, word)}", mixture.meaning * share)
            for place, char in enumerate(block):
                _add(found, f"c{char}", mixture.character * (mixture.slight if char in SLIGHT else 1.0))
                if place:
                    _add(found, f"p{block[place - 1 : place + 1]}", mixture.pair)
        return found

    def words(self, text: str) -> set[str]:
        """The words of a text, as terms."""
        return {f"w{word}" for block in _blocks(text) for word in self._segmenter.words(block)}

    def plain(self, text: str) -> set[str]:
        """Words and pairs of characters of a text, as terms: how an answer is put."""
        pairs = {f"p{block[at : at + 2]}" for block in _blocks(text) for at in range(len(block) - 1)}
        return self.words(text) | pairs


def _blocks(text: str) -> list[str]:
    return _BLOCK.findall(_NUMBER.sub("0", fold(text[:LONGEST])))


def _add(found: dict[str, float], term: str, weight: float) -> None:
    if weight:
        found[term] = found.get(term, 0.0) + weight
