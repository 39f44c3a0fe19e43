"""Highlights: cuts a message into pieces, so that the words that earned a tag can be marked and explained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

LONGEST = 20_000


@dataclass(frozen=True)
class Mark:
    """Characters start..end of a message (end is exclusive) and why they matter."""

    start: int
    end: int
    why: str


@dataclass(frozen=True)
class TextPiece:
    """A run of a message's text; `why` is empty where nothing was noticed."""

    text: str
    why: str = ""


def marks_of(spans: Iterable[Sequence[object]], why: str) -> list[Mark]:
    """The marks of one evidence row; `spans` as stored: [keyword, start, end]."""
    return [Mark(int(str(start)), int(str(end)), why) for _keyword, start, end in spans]


def cut(text: str, marks: Sequence[Mark]) -> tuple[TextPiece, ...]:
    """The text in pieces, in order and whole (up to LONGEST); overlapping marks share a piece."""
    shown = text[:LONGEST]
    edges = {0, len(shown)}
    for mark in marks:
        edges |= {min(max(mark.start, 0), len(shown)), min(max(mark.end, 0), len(shown))}
    ordered = sorted(edges)
    return tuple(TextPiece(shown[start:end], _why(marks, start, end)) for start, end in pairwise(ordered))


def _why(marks: Sequence[Mark], start: int, end: int) -> str:
    reasons = (mark.why for mark in marks if mark.start <= start and end <= mark.end)
    return "\n".join(dict.fromkeys(reasons))
