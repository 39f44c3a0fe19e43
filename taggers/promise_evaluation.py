"""Measures promises and questions against labelled sentences: precision, recall, due times, the wrong ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from taggers.closing import Closings
from taggers.promise import promises
from taggers.wants_answer import text_wants_answer
from taggers.workdays import Workdays

Fault = Literal["missed", "false", "due"]


@dataclass(frozen=True, slots=True)
class LabelledPromise:
    """A sentence, when and by whom it was written, whether it promises, and until when."""

    text: str
    at: datetime
    by: Literal["agent", "customer"]
    promise: bool
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Wrong:
    """A sentence that came out wrong, and what was found in place of what was wanted."""

    number: int
    text: str
    fault: Fault
    wanted: datetime | None = None
    found: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The outcome: `due_right` is the share of the promises found whose due time is right."""

    sentences: int
    right: int
    false: int
    missed: int
    due_right: float
    wrong: tuple[Wrong, ...]

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float:
        return _share(self.right, self.right + self.missed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def measure_promises(sentences: Iterable[LabelledPromise], workdays: Workdays) -> Measured:
    """Judge every sentence; a promise is an agent's, so what a customer says is none."""
    wrong: list[Wrong] = []
    counts = {"sentences": 0, "right": 0, "false": 0, "missed": 0, "due": 0}
    for number, one in enumerate(sentences, 1):
        counts["sentences"] += 1
        found = promises(one.text, one.at, workdays) if one.by == "agent" else ()
        due = next((promise.due for promise in found if promise.due is not None), None)
        if one.promise and not found:
            counts["missed"] += 1
            wrong.append(Wrong(number, one.text, "missed", one.due))
        elif found and not one.promise:
            counts["false"] += 1
            wrong.append(Wrong(number, one.text, "false", None, due))
        elif found:
            counts["right"] += 1
            right = same_due(due, one.due, workdays)
            counts["due"] += right
            if not right:
                wrong.append(Wrong(number, one.text, "due", one.due, due))
    due_right = _share(counts.pop("due"), counts["right"])
    return Measured(**counts, due_right=due_right, wrong=tuple(wrong))


def same_due(found: datetime | None, wanted: datetime | None, workdays: Workdays) -> bool:
    """Whether two due times are the same hour, or for days (23:59) the same day."""
    if found is None or wanted is None:
        return found is wanted
    here, there = found.astimezone(workdays.zone), wanted.astimezone(workdays.zone)
    if (there.hour, there.minute) == (23, 59):
        return here.date() == there.date()
    return (here.date(), here.hour) == (there.date(), there.hour)


def measure_questions(sentences: Iterable[tuple[str, bool]], closings: Closings) -> Measured:
    """Judge of every sentence whether it wants an answer."""
    wrong: list[Wrong] = []
    right = count = 0
    for number, (text, wanted) in enumerate(sentences, 1):
        count += 1
        found = text_wants_answer(text, closings)
        right += found and wanted
        if found is not wanted:
            wrong.append(Wrong(number, text, "missed" if wanted else "false"))
    false = sum(one.fault == "false" for one in wrong)
    return Measured(count, right, false, len(wrong) - false, 1.0, tuple(wrong))
