"""Measures promises and questions against labelled sentences: precision, recall, due times, the wrong ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from taggers.closing import Closings
from taggers.pledge import pledges
from taggers.promise import Promise, promises
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
    """The outcome: `due_right` is the share of the promises found whose due time is right.

    customers: how many sentences were a customer's; follow_ups: in how many of them something to follow up was heard;
    judged: whether the labels told of these, so that they count in the other figures.
    """

    sentences: int
    right: int
    false: int
    missed: int
    due_right: float
    wrong: tuple[Wrong, ...]
    customers: int = 0
    follow_ups: int = 0
    judged: bool = False

    @property
    def precision(self) -> float:
        return _share(self.right, self.right + self.false)

    @property
    def recall(self) -> float:
        return _share(self.right, self.right + self.missed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def measure_promises(sentences: Iterable[LabelledPromise], workdays: Workdays) -> Measured:
    """Judge every sentence. A promise is an agent's; what a customer will do becomes a follow-up.

    Where any customer's sentence is labelled a promise, the labels of all of them tell whether there is something to
    follow up, and count; where none is, the labels tell of agents alone, and a customer's sentence is no promise.
    """
    told = list(sentences)
    judged = any(one.promise for one in told if one.by == "customer")
    heard = [_heard(one, workdays) for one in told]
    wrong: list[Wrong] = []
    right = due_right = 0
    for number, (one, found) in enumerate(zip(told, heard, strict=True), 1):
        counted = found if one.by == "agent" or judged else ()
        fault = _fault(one, counted, workdays)
        right += bool(counted) and one.promise
        due_right += bool(counted) and one.promise and fault is None
        if fault is not None:
            wrong.append(Wrong(number, one.text, fault, one.due, _due(counted)))
    faults = [one.fault for one in wrong]
    theirs = [bool(found) for one, found in zip(told, heard, strict=True) if one.by == "customer"]
    return Measured(
        len(told), right, faults.count("false"), faults.count("missed"), _share(due_right, right), tuple(wrong),
        customers=len(theirs), follow_ups=sum(theirs), judged=judged,
    )  # fmt: skip


def _heard(one: LabelledPromise, workdays: Workdays) -> tuple[Promise, ...]:
    return (promises if one.by == "agent" else pledges)(one.text, one.at, workdays)


def _fault(one: LabelledPromise, found: tuple[Promise, ...], workdays: Workdays) -> Fault | None:
    if bool(found) is not one.promise:
        return "missed" if one.promise else "false"
    return None if not found or same_due(_due(found), one.due, workdays) else "due"


def _due(found: tuple[Promise, ...]) -> datetime | None:
    return next((promise.due for promise in found if promise.due is not None), None)


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
