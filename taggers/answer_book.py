"""Answer book: which answers of a knowledge base fit what a customer asks, and which ones a searcher means."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taggers.everyday_talk import EVERYDAY
from taggers.fold import fold
from taggers.likeness import QUESTIONS, Terms
from taggers.term_index import TermIndex

FITS = 0.3
"""How like one of an answer's questions a question must be. Of paraphrases written with as few words in common as
people manage, half reach it; of questions about other matters, one or two in a hundred."""

_SAID_ANYWHERE = 0.8
_FOUND = 0.2


@dataclass(frozen=True, slots=True)
class Fit:
    """An answer that fits: its id, how well (0..1), which of its questions is meant, and what was asked."""

    key: str
    score: float
    question: str
    asked: str


class AnswerBook:
    """Answers by their questions. Nothing in it changes after it is made."""

    def __init__(self, questions: Mapping[str, Sequence[str]], terms: Terms) -> None:
        self._terms = terms
        self._rows = [(key, question) for key, asked in questions.items() for question in asked]
        known = {fold(question) for _, question in self._rows}
        texts = [*(question for _, question in self._rows), *(text for text in EVERYDAY if text not in known)]
        self._index = TermIndex([terms.of(text, QUESTIONS) for text in texts], QUESTIONS.power)

    def find(self, asked: str, allowed: Collection[str]) -> list[Fit]:
        """The answers that fit a question, of those allowed, the best first; none where nothing is like it enough, or
        where it is what people say anywhere."""
        every = self._index.likeness(self._index.vector(self._terms.of(asked, QUESTIONS)))
        scores, anywhere = every[: len(self._rows)], every[len(self._rows) :]
        if anywhere.max(initial=0) >= _SAID_ANYWHERE and anywhere.max() > scores.max(initial=0):
            return []
        found: dict[str, Fit] = {}
        for row in np.argsort(-scores, kind="stable"):
            if scores[row] < FITS:
                break
            key, question = self._rows[row]
            if key in allowed:
                found.setdefault(key, Fit(key, float(scores[row]), question, asked))
        return list(found.values())


class WordingSearch:
    """Wordings by any of their words, or by the first letters of their pinyin (fp finds 发票)."""

    def __init__(self, wordings: Mapping[str, Sequence[str]], terms: Terms) -> None:
        self._terms = terms
        self._keys = list(wordings)
        self._texts = [fold(" ".join(texts)) for texts in wordings.values()]
        self._letters = [" ".join(map(_initials, texts)) for texts in wordings.values()]
        self._index = TermIndex([terms.of(text, QUESTIONS) for text in self._texts], QUESTIONS.power)

    def find(self, words: str) -> list[str]:
        """The ids of what is meant, the best first: what holds the words, then their first letters, then what is
        like them."""
        wanted = fold(words)
        if not wanted:
            return list(self._keys)
        holding = self._where(text.find(wanted) for text in self._texts)
        letters = self._where(text.find(wanted) for text in self._letters) if wanted.isascii() else []
        scores = self._index.likeness(self._index.vector(self._terms.of(wanted, QUESTIONS)))
        like = [self._keys[row] for row in np.argsort(-scores, kind="stable") if scores[row] >= _FOUND]
        return list(dict.fromkeys((*holding, *letters, *like)))

    def _where(self, places: Iterable[int]) -> list[str]:
        """The ids of the texts that hold something, those first where it stands nearest to the beginning."""
        found = [(place, number) for number, place in enumerate(places) if place >= 0]
        return [self._keys[number] for _, number in sorted(found)]


def _initials(text: str) -> str:
    """The first letter of each syllable, latin letters and digits as they are."""
    from pypinyin import Style, lazy_pinyin  # its phrases are a seventh of the time a command takes to start

    return "".join(lazy_pinyin(fold(text), style=Style.FIRST_LETTER))
