"""Completion: whether what an agent said, by the archive, is what a task asked for, and whether it came in time."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Literal, TypeVar

from rapidfuzz import fuzz

from sop.workspace import Completion

Key = TypeVar("Key")
Outcome = Literal["exact", "edited", "none"]
Lateness = Literal["early", "in-time", "late"]

_QUOTABLE = 8


@dataclass(frozen=True, slots=True)
class TextMatch:
    """How near a text came to the planned one; similarity is 0..1."""

    outcome: Outcome
    similarity: float


@dataclass(frozen=True, slots=True)
class TaskMatch(Generic[Key]):
    """The open task that a text fulfils."""

    task: Key
    match: TextMatch


def compare(said: str, planned: str, thresholds: Completion) -> TextMatch:
    """Compare two texts by letters and digits alone: width, case, spaces, punctuation, emoji do not count.

    A longer message that holds the whole planned text counts as edited, whatever its similarity.
    """
    ours, theirs = bare(said), bare(planned)
    if not ours or not theirs:
        same = said.strip() == planned.strip() != ""
        return TextMatch("exact", 1.0) if same else TextMatch("none", 0.0)
    similarity = fuzz.ratio(ours, theirs) / 100
    if similarity >= thresholds.exact:
        return TextMatch("exact", similarity)
    quoted = len(theirs) >= _QUOTABLE and theirs in ours
    return TextMatch("edited" if quoted or similarity >= thresholds.edited else "none", similarity)


def best_match(said: str, open_tasks: Iterable[tuple[Key, str]], thresholds: Completion) -> TaskMatch[Key] | None:
    """Find the task (key, planned text) that was said; of equals the first, so pass them by due time."""
    best: TaskMatch[Key] | None = None
    for task, planned in open_tasks:
        match = compare(said, planned, thresholds)
        if match.outcome != "none" and (best is None or match.similarity > best.match.similarity):
            best = TaskMatch(task, match)
    return best


def lateness(said_at: datetime, prompted_at: datetime | None, late_after: timedelta) -> Lateness:
    """Place a completion in time: early is before the prompt (or without one), late is beyond late_after."""
    if prompted_at is None or said_at < prompted_at:
        return "early"
    return "late" if said_at - prompted_at > late_after else "in-time"


def bare(text: str) -> str:
    """What of a text is compared: its letters and digits, in one form."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in folded if unicodedata.category(char)[0] in "LN")
