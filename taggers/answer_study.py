"""Studies suggested answers: on labelled dialogues, is the right one near the top; are pairs of questions found?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from taggers.answer_index import AnswerIndex, best_ones, sure_ones
from taggers.asked import Answered, Asked, Said
from taggers.likeness import QUESTIONS, Terms
from taggers.term_index import Floats, TermIndex

Acts = frozenset[tuple[str, str, str]]
_FOLDS = 5
_DISTINCT = 10
_LOOKED_AT = 400


@dataclass(frozen=True, slots=True)
class LabelledAnswer:
    """What was answered, and which acts the answer is by the annotators."""

    case: Answered
    acts: Acts


@dataclass(frozen=True, slots=True)
class LabelledPair:
    """Two questions, and whether they mean the same."""

    one: str
    other: str
    same: bool


@dataclass(slots=True)
class Outcome:
    """asked: how many were tried; found: at which place (0 is first) the right one stood, of those that were found;
    sure: whether the first suggestion of each was right, of those where one would be shown."""

    asked: int = 0
    places: list[int] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)

    def recall(self, most: int) -> float:
        """The share found among the first so many."""
        return sum(place < most for place in self.places) / self.asked if self.asked else 0.0

    @property
    def shown(self) -> float:
        """The share where a suggestion would be shown."""
        return len(self.sure) / self.asked if self.asked else 0.0

    @property
    def wrong_first(self) -> float:
        """Of those that would be shown, the share whose first suggestion is another than was given."""
        return self.sure.count(False) / len(self.sure) if self.sure else 0.0


def cases_of(dialogues: Sequence[Sequence[tuple[Said, Acts]]]) -> list[LabelledAnswer]:
    """Every turn of a customer that the agent answered next, with all that was said before."""
    found = []
    for talk, turns in enumerate(dialogues):
        said = [turn for turn, _ in turns]
        for at in range(len(turns) - 1):
            if (said[at].by, said[at + 1].by) == ("customer", "agent"):
                case = Answered(Asked(said[at].text, tuple(said[:at])), said[at + 1].text, talk)
                found.append(LabelledAnswer(case, turns[at + 1][1]))
    return found


def study_dialogues(labelled: Sequence[LabelledAnswer], terms: Terms, tried: Callable[[int], bool]) -> Outcome:
    """Look for each answer among those of other dialogues; what is learned is learned from other dialogues too.

    Acts judge, and tell which answers are one and the same; the ranking knows texts only. tried: which talks count.
    """
    index = AnswerIndex([one.case for one in labelled], terms)
    acts = [one.acts for one in labelled]
    outcome = Outcome()
    for fold in range(_FOLDS):
        held = index.talks % _FOLDS == fold
        cases = [int(case) for case in np.flatnonzero(held) if tried(int(index.talks[case]))]
        if not cases or held.all():
            continue
        learned = index.learned_from(np.flatnonzero(~held))
        for case in cases:
            scores = learned.scores(labelled[case].case.asked)
            scores[index.talks == index.talks[case]] = 0
            _judge(outcome, scores, acts, case, index.often)
    return outcome


def _judge(outcome: Outcome, scores: Floats, acts: Sequence[Acts], case: int, often: int) -> None:
    order = best_ones(scores, _LOOKED_AT)
    outcome.asked += 1
    distinct: list[Acts] = []
    for other in order:
        if acts[other] not in distinct:
            distinct.append(acts[other])
        if len(distinct) == _DISTINCT:
            break
    if acts[case] in distinct:
        outcome.places.append(distinct.index(acts[case]))
    if len(sure_ones(scores, often, _LOOKED_AT)):
        outcome.sure.append(distinct[0] == acts[case])


def study_pairs(pairs: Sequence[LabelledPair], terms: Terms, encode: Callable[[list[str]], Floats] | None) -> Outcome:
    """Look for the partner of each pair that means the same among the second questions of all pairs."""
    outcome = Outcome()
    index = TermIndex([terms.of(pair.other, QUESTIONS) for pair in pairs], QUESTIONS.power)
    same = [number for number, pair in enumerate(pairs) if pair.same]
    ours = encode([pairs[number].one for number in same]) if encode and same else None
    theirs = encode([pair.other for pair in pairs]) if encode and same else None
    for seat, number in enumerate(same):
        scores = index.likeness(index.vector(terms.of(pairs[number].one, QUESTIONS)))
        if ours is not None and theirs is not None:
            scores = scores + theirs @ ours[seat]
        outcome.asked += 1
        place = int((scores > scores[number]).sum())
        if scores[number] > 0:
            outcome.places.append(place)
    return outcome
