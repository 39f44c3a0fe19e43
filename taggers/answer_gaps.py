"""Answer gaps: questions that no answer fits, like ones together, each with what our people usually say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taggers.fold import fold
from taggers.likeness import QUESTIONS, Terms
from taggers.numbers import whole_number
from taggers.term_index import TermIndex

_ALIKE = 0.45  # nearer than what fits an answer: a cluster is to be answered by one text
_PHRASES = 3
_UNITS = {"个工作日": "工作日", "块": "元", "块钱": "元", "个月": "月", "个小时": "小时", "小时": "小时", "层": "楼"}
_QUANTITY = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?|[一二两三四五六七八九十百千万]+)\s*"
    r"(?P<unit>个?工作日|个?小时|个月|分钟|块钱|天|周|月|年|节|次|元|块|%|折|楼|层|岁|人|份)"
)


@dataclass(frozen=True, slots=True)
class UnfitQuestion:
    """A question that no answer fits. shown: how it may be put before others; answer: what it was answered, as it may
    be said to others; None where either would tell of somebody."""

    words: str
    customer: int
    shown: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class AnswerGap:
    """Like questions. phrases: how they are put, the most frequent first; answer: what most answers are like."""

    phrases: tuple[str, ...]
    customers: int
    times: int
    answer: str = ""


def find_gaps(questions: Sequence[UnfitQuestion], terms: Terms, least: int) -> list[AnswerGap]:
    """Clusters of questions of at least so many customers, the most frequent first."""
    if not questions:
        return []
    index = TermIndex([terms.of(one.words, QUESTIONS) for one in questions], QUESTIONS.power)
    near = [index.likeness(index.row(number)) >= _ALIKE for number in range(len(questions))]
    left = np.ones(len(questions), bool)
    found = []
    for number in sorted(range(len(questions)), key=lambda one: -int(near[one].sum())):
        if left[number]:
            together = np.flatnonzero(near[number] & left)
            left[together] = False
            found.append(_gap([questions[int(one)] for one in together], terms))
    kept = [gap for gap in found if gap.customers >= least and gap.phrases]
    return sorted(kept, key=lambda gap: (-gap.customers, -gap.times))


def _gap(together: Sequence[UnfitQuestion], terms: Terms) -> AnswerGap:
    phrases = Counter(one.shown for one in together if one.shown)
    answers = [one.answer for one in together if one.answer]
    return AnswerGap(
        phrases=tuple(text for text, _ in phrases.most_common(_PHRASES)),
        customers=len({one.customer for one in together}),
        times=len(together),
        answer=_typical(answers, terms),
    )


def _typical(answers: Sequence[str], terms: Terms) -> str:
    """The answer that is most like all the others."""
    if not answers:
        return ""
    index = TermIndex([terms.of(text, QUESTIONS) for text in answers], QUESTIONS.power)
    alike = [float(index.likeness(index.row(number)).sum()) for number in range(len(answers))]
    return answers[int(np.argmax(alike))]


def quantities(text: str) -> dict[str, set[str]]:
    """What a text counts: by unit the numbers."""
    found: dict[str, set[str]] = {}
    for one in _QUANTITY.finditer(fold(text)):
        number = one["number"]
        if not number[0].isdigit():
            value = whole_number(number)
            if value is None:
                continue
            number = str(value)
        found.setdefault(_UNITS.get(one["unit"], one["unit"]), set()).add(number)
    return found


def contradicted(written: str, said: Iterable[tuple[int, str]], least: int) -> Mapping[str, tuple[str, str, int]]:
    """By unit what is written, the other number that at least so many customers were told, and how many were; said:
    (customer, answer).

    A unit in which as many were told what is written contradicts nothing.
    """
    ours, told = quantities(written), Counter[tuple[str, str]]()
    agreeing: Counter[str] = Counter()
    for _, text in {(customer, text) for customer, text in said}:
        for unit, numbers in quantities(text).items():
            if unit in ours and not numbers & ours[unit]:
                told.update((unit, number) for number in numbers)
            elif unit in ours:
                agreeing[unit] += 1
    most = {unit: (number, count) for (unit, number), count in reversed(told.most_common())}
    return {
        unit: ("、".join(sorted(ours[unit])), number, count)
        for unit, (number, count) in most.items()
        if count >= least and count > agreeing[unit]
    }
