"""Evaluation of the rules against labelled dialogues: precision, recall and F1 per tag, and what they get wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field

from taggers.rule import Table, Words
from taggers.rulebook import RuleBook
from taggers.utterance import Utterance


class Act(Table):
    """Which annotated acts count: all that are given must fit; nothing given fits anything."""

    intent: Words = ()
    domain: Words = ()
    slot: Words = ()

    def fits(self, act: Sequence[str]) -> bool:
        """Tell whether an act (intent, domain, slot, value) is one of these."""
        wanted = (self.intent, self.domain, self.slot)
        return all(not names or name in names for names, name in zip(wanted, act, strict=False))


class Label(Table):
    """[[labels]]: the tag that an utterance with one of these acts should get."""

    tag: str = Field(min_length=1, max_length=30)
    acts: tuple[Act, ...] = Field(min_length=1)


class Labels(Table):
    """A file of labels."""

    labels: tuple[Label, ...] = Field(min_length=1)

    def gold(self, acts: Sequence[Sequence[str]]) -> frozenset[str]:
        """Give the tags that an utterance with these acts should get."""
        return frozenset(
            label.tag for label in self.labels if any(wanted.fits(act) for wanted in label.acts for act in acts)
        )


@dataclass(frozen=True, slots=True)
class LabelledUtterance:
    """An utterance of a customer and the tags it should get."""

    dialogue: str
    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class TagScore:
    """Counts of one tag: rightly hit, wrongly hit, wrongly left out."""

    tag: str
    right: int
    wrong: int
    left_out: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.left_out) if self.right + self.left_out else 1.0

    @property
    def f1(self) -> float:
        total = 2 * self.right + self.wrong + self.left_out
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True, slots=True)
class Mistake:
    """An utterance judged otherwise than labelled. `rules` are those that hit wrongly (none: nothing hit)."""

    case: LabelledUtterance
    tag: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of every tag and the mistakes behind them."""

    scores: tuple[TagScore, ...]
    mistakes: tuple[Mistake, ...]
    utterances: int

    @property
    def macro_f1(self) -> float:
        return sum(score.f1 for score in self.scores) / len(self.scores) if self.scores else 1.0


def evaluate(book: RuleBook, cases: Iterable[LabelledUtterance], tags: Sequence[str]) -> Evaluation:
    """Judge every case by itself: one utterance, one decision a tag."""
    counts = {tag: [0, 0, 0] for tag in tags}
    mistakes: list[Mistake] = []
    utterances = 0
    for case in cases:
        utterances += 1
        hits: dict[str, list[str]] = {}
        for hit in book.judge(Utterance.typed(case.text)):
            hits.setdefault(hit.tag, []).append(hit.rule_id)
        for tag in tags:
            hit_wrongly, left_out = tag in hits and tag not in case.gold, tag in case.gold and tag not in hits
            counts[tag][0] += tag in hits and tag in case.gold
            counts[tag][1] += hit_wrongly
            counts[tag][2] += left_out
            if hit_wrongly or left_out:
                mistakes.append(Mistake(case, tag, tuple(hits.get(tag, ()))))
    scores = tuple(TagScore(tag, *counts[tag]) for tag in tags)
    return Evaluation(scores, tuple(mistakes), utterances)
