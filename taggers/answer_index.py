"""Answer index: what was answered to questions like this one, in talks that had come as far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from taggers.asked import Answered, Asked
from taggers.likeness import TALK, Terms
from taggers.term_index import Floats, Numbers, TermIndex

_LOOKED_BACK = 4
_FADES = 0.7
_SAID_ALREADY = 0.6  # what a question takes up from the turns before says less of what is asked
_CONTEXT = 0.35
_LEAST_TALKS, _LEAST_ANSWERS = 4, 12
_COLUMNS, _ANSWER_COLUMNS, _CASES, _GUESSED = 2_500, 1_500, 12_000, 80
_RIDGE = 1.0
_ALL, _LIKELY, _PLACES = 20_000, 2_000, 200_000  # of more answers than that only the likely ones are looked at

SURE = 1.95
"""From this score on an answer is worth showing: of 2,164 questions of labelled talks 11 % reached it, and the answer
of 7 % of these did something else than the one that was given (`flask suggest eval` measures it)."""


@dataclass(frozen=True, slots=True)
class WordMap:
    """Which words an answer has, by the words of the question: a linear map, learned from what was answered."""

    questions: NDArray[np.int64]
    contexts: NDArray[np.int64]
    answers: NDArray[np.int64]
    weights: Floats


class AnswerIndex:
    """Answers by what they answer. Nothing in it changes after it is made."""

    def __init__(self, cases: Sequence[Answered], terms: Terms, like: AnswerIndex | None = None) -> None:
        """like: read these cases with the terms of that index, for the few that came since it was made."""
        self._terms = terms
        talks = [case.talk for case in cases]
        self.talks = np.array(talks, np.int64)
        least = min(_LEAST_TALKS, 1 + len(set(talks)) // 50)
        questions = (self._question(case.asked) for case in cases)
        contexts = (self._context(case.asked) for case in cases)
        base: tuple[TermIndex | None, TermIndex | None, TermIndex | None] = (None, None, None)
        if like is not None:
            base = (like._questions, like._contexts, like._answers)
        self._questions: TermIndex = TermIndex(questions, TALK.power, talks, least, base[0])
        self._contexts: TermIndex = TermIndex(contexts, TALK.power, talks, least, base[1])
        put = (dict.fromkeys(terms.plain(case.answer), 1.0) for case in cases)
        self._answers: TermIndex = TermIndex(put, TALK.power, talks, min(_LEAST_ANSWERS, least * 3), base[2])

    def __len__(self) -> int:
        return len(self.talks)

    @property
    def bytes(self) -> int:
        """What the arrays take."""
        return self._questions.bytes + self._contexts.bytes + self._answers.bytes

    def learn(self, cases: NDArray[np.int64]) -> WordMap:
        """Learn from these cases (the newest of them, where there are many) which words answers have."""
        cases = cases[-_CASES:]
        most = min(_COLUMNS, max(_COLUMNS // 5, len(cases)))
        asked, before = self._questions.commonest(most), self._contexts.commonest(most // 3 + 1)
        answers = self._answers.commonest(_ANSWER_COLUMNS)
        given = np.hstack([self._questions.dense(cases, asked), self._contexts.dense(cases, before) / 2])
        square = given.T @ given + _RIDGE * np.eye(given.shape[1], dtype=np.float32)
        weights = np.linalg.solve(square, given.T @ self._answers.dense(cases, answers))
        return WordMap(asked, before, answers, weights.astype(np.float32))

    def scores(self, asked: Asked, words: WordMap | None) -> Floats:
        """How well each answer fits: likeness of questions, of talks so far, and of the words it ought to have."""
        question = self._questions.vector(self._question(asked))
        context = self._contexts.vector(self._context(asked))
        guess = self._guess(words, question, context) if words is not None else None
        if len(self) > _ALL:
            return self._of_likely(question, context, guess)
        found = self._questions.likeness(question) + np.float32(_CONTEXT) * self._contexts.likeness(context)
        return found if guess is None else found + self._answers.likeness(guess)

    def _of_likely(
        self, question: tuple[Numbers, Floats], context: tuple[Numbers, Floats], guess: tuple[Numbers, Floats] | None
    ) -> Floats:
        """The same for the questions that have most of the rarer terms; all others have nothing."""
        rough = self._questions.likeness(question, _PLACES)
        likely = np.sort(np.argpartition(-rough, _LIKELY)[:_LIKELY])
        scores = self._questions.exact(question, likely) + np.float32(_CONTEXT) * self._contexts.exact(
            context, likely
        )
        if guess is not None:
            scores += self._answers.exact(guess, likely)
        found = np.zeros(len(self), np.float32)
        found[likely] = scores
        return found

    def _guess(
        self, words: WordMap, question: tuple[Numbers, Floats], context: tuple[Numbers, Floats]
    ) -> tuple[Numbers, Floats]:
        """The words that an answer ought to have, the likeliest only."""
        given = np.concatenate(
            [
                _spread(question, words.questions, self._questions.terms),
                _spread(context, words.contexts, self._contexts.terms) / 2,
            ]
        )
        guessed = given @ words.weights
        top = np.argsort(-guessed)[:_GUESSED]
        top = top[guessed[top] > 0]
        length = float(np.sqrt((guessed[top] ** 2).sum())) or 1.0
        return words.answers[top].astype(np.int32), (guessed[top] / length).astype(np.float32)

    def _question(self, asked: Asked) -> dict[str, float]:
        said: set[str] = set()
        for turn in asked.before[-_LOOKED_BACK:]:
            said.update(self._terms.of(turn.text, TALK))
        found = self._terms.of(asked.text, TALK)
        return {term: weight * (_SAID_ALREADY if term in said else 1.0) for term, weight in found.items()}

    def _context(self, asked: Asked) -> dict[str, float]:
        found: dict[str, float] = {}
        weight = 1.0
        for turn in reversed(asked.before[-_LOOKED_BACK:]):
            for term in self._terms.words(turn.text):
                found[term] = max(found.get(term, 0.0), weight * (0.3 if turn.by == "agent" else 1.0))
            weight *= _FADES
        return found or {"nothing": 1.0}


def _spread(vector: tuple[Numbers, Floats], columns: NDArray[np.int64], terms: int) -> Floats:
    whole = np.zeros(terms, np.float32)
    whole[vector[0]] = vector[1]
    return whole[columns]
