"""Answer index: what was answered to questions like this one, in talks that had come as far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from taggers.asked import Answered, Asked
from taggers.likeness import TALK, Terms
from taggers.telling import telling
from taggers.term_index import Floats, Numbers, TermIndex

_TURNS, _CONTEXT = (
    2,
    0.5,
)  # so many turns of the customer before the question; each counts so much of the one after it
_LEAST_TALKS, _LEAST_ANSWERS = 4, 12
_COLUMNS, _ANSWER_COLUMNS, _CASES, _GUESSED = 1_500, 1_000, 12_000, 80
_RIDGE, _GUESS = 1.0, 0.15
_ALL, _LIKELY, _PLACES = 20_000, 1_000, 200_000  # of more answers than that only the likely ones are looked at
_ANSWERS_POWER = 0.5
_REMEMBERED = 2_000

SURE = 0.96
"""From this score on an answer is worth showing, where so many past questions reach it (`AnswerIndex.often`): of the
questions of labelled talks one in nine had that, and the first answer of 8 % of these did something else than the one
that was given (`flask suggest eval` measures it)."""
_OFTEN = 5


def best_ones(scores: Floats, most: int) -> NDArray[np.int64]:
    """The numbers of the best scores above nothing, the best first, the first of equals first."""
    likely = np.arange(len(scores))
    if most < len(scores):
        likely = np.flatnonzero(scores >= np.partition(scores, -most)[-most])
    order = likely[np.argsort(-scores[likely], kind="stable")][:most]
    return order[scores[order] > 0]


def sure_ones(scores: Floats, often: int, most: int) -> NDArray[np.int64]:
    """The numbers of the scores that are worth showing, the best first; none where fewer than `often` are."""
    best = best_ones(scores, most)
    sure = best[scores[best] >= SURE]
    return sure if len(sure) >= often else sure[:0]


@dataclass(frozen=True, slots=True)
class WordMap:
    """Which words an answer has, by the words of the question: a linear map, learned from what was answered."""

    asked: NDArray[np.int64]
    answers: NDArray[np.int64]
    weights: Floats


class AnswerIndex:
    """Answers by what they answer: by likeness of the question together with what the customer said before it, each
    term counted by how much it tells of the answer, and by the words that the answer ought to have.

    Nothing in it changes after it is made.
    """

    def __init__(self, cases: Sequence[Answered], terms: Terms, like: AnswerIndex | None = None) -> None:
        """like: read these cases with the terms of that index and what it learned, for the few that came since."""
        self._terms = terms
        self._earlier = lru_cache(_REMEMBERED)(
            self._earlier_of
        )  # most turns are the context of the next ones as well
        talks = [case.talk for case in cases]
        self.talks = np.array(talks, np.int64)
        several = 1 + len(set(talks)) // 50
        least = min(_LEAST_TALKS, several)
        self.often: int = min(_OFTEN, several) if like is None else like.often
        known: tuple[TermIndex | None, TermIndex | None] = (None, None)
        if like is not None:
            known = (like._asked, like._answers)
        self._asked: TermIndex = TermIndex(
            (self._read(case.asked) for case in cases), TALK.power, talks, least, known[0]
        )
        put = (dict.fromkeys(terms.plain(case.answer), 1.0) for case in cases)
        least = min(_LEAST_ANSWERS, least * 3)
        self._answers: TermIndex = TermIndex(put, _ANSWERS_POWER, talks, least, known[1])
        self._tells: Floats = np.ones(self._asked.terms, np.float32)
        self._words: WordMap | None = None if like is None else like._words
        if like is None:
            self._learn(np.arange(len(talks)))

    def __len__(self) -> int:
        return len(self.talks)

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return self._asked.bytes + self._answers.bytes

    def learned_from(self, cases: NDArray[np.int64]) -> AnswerIndex:
        """The same answers, found by what these cases alone teach."""
        other = copy(self)
        other._learn(cases)
        return other

    def scores(self, asked: Asked) -> Floats:
        """How well each answer fits."""
        question = self._asked.vector(self._read(asked))
        guess = self._guess(question) if self._words is not None else None
        if len(self) > _ALL:
            return self._of_likely(question, guess)
        found = self._asked.likeness(question)
        return found if guess is None else found + np.float32(_GUESS) * self._answers.likeness(guess)

    def _learn(self, cases: NDArray[np.int64]) -> None:
        """From the newest of the cases, where there are many."""
        cases = cases[-_CASES:]
        tells = telling(self._asked, self._answers, cases)
        self._asked, self._tells = self._asked.reweighed(tells / self._tells), tells
        self._words = self._map(cases) if len(cases) else None

    def _map(self, cases: NDArray[np.int64]) -> WordMap:
        most = min(_COLUMNS, max(_COLUMNS // 5, len(cases)))
        asked, answers = self._asked.commonest(most), self._answers.commonest(_ANSWER_COLUMNS)
        given = self._asked.dense(cases, asked)
        square = given.T @ given + _RIDGE * np.eye(given.shape[1], dtype=np.float32)
        weights = np.linalg.solve(square, given.T @ self._answers.dense(cases, answers))
        return WordMap(asked, answers, weights.astype(np.float32))

    def _of_likely(self, question: tuple[Numbers, Floats], guess: tuple[Numbers, Floats] | None) -> Floats:
        """The same for the questions that have most of the rarer terms; all others have nothing."""
        rough = self._asked.likeness(question, _PLACES)
        likely = np.sort(np.argpartition(-rough, _LIKELY)[:_LIKELY])
        found = np.zeros(len(self), np.float32)
        found[likely] = self._asked.exact(question, likely)
        if guess is not None:
            found[likely] += np.float32(_GUESS) * self._answers.exact(guess, likely)
        return found

    def _guess(self, question: tuple[Numbers, Floats]) -> tuple[Numbers, Floats]:
        """The words that an answer ought to have, the likeliest only."""
        words = self._words
        assert words is not None
        whole = np.zeros(self._asked.terms, np.float32)
        whole[question[0]] = question[1]
        guessed = whole[words.asked] @ words.weights
        top = np.argsort(-guessed)[:_GUESSED]
        top = top[guessed[top] > 0]
        length = float(np.sqrt((guessed[top] ** 2).sum())) or 1.0
        return words.answers[top].astype(np.int32), (guessed[top] / length).astype(np.float32)

    def _read(self, asked: Asked) -> dict[str, float]:
        """The terms of the question, and, as others, of what the customer said before it."""
        earlier = [turn.text for turn in reversed(asked.before) if turn.by == "customer"][:_TURNS]
        found = {} if earlier else {"<": _CONTEXT}
        for back in range(len(earlier), 0, -1):
            found.update(self._earlier(earlier[back - 1], _CONTEXT**back))
        found.update(self._terms.of(asked.text, TALK))
        return found

    def _earlier_of(self, text: str, weight: float) -> Mapping[str, float]:
        return {f"<{term}": weight * share for term, share in self._terms.of(text, TALK).items()}
