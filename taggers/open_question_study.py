"""Studies labelled dialogues: does an answer close the question it touches, and does that stay open without it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from taggers.closing import USUAL, Closings
from taggers.open_questions import Turn, open_questions

_REQUEST = "Request"
_GIVES = ("Inform", "Recommend")


@dataclass(frozen=True, slots=True)
class LabelledTurn:
    """A turn with its gold acts: (act, domain, slot)."""

    turn: Turn
    acts: frozenset[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Left:
    """A question that came out wrong: its words, and what was said next."""

    question: str
    next: str


@dataclass(frozen=True, slots=True)
class Studied:
    """How many questions an answer touched and closed, and how many stayed open with that answer cut out."""

    touched: int
    closed: int
    cut: int
    stayed: int
    not_closed: tuple[Left, ...]
    not_stayed: tuple[Left, ...]


def study(dialogues: Iterable[Sequence[LabelledTurn]], closings: Closings = USUAL) -> Studied:
    """Try every question whose next answer gives what was asked for, with that answer and without it."""
    counts = {"touched": 0, "closed": 0, "cut": 0, "stayed": 0}
    not_closed: list[Left] = []
    not_stayed: list[Left] = []
    for dialogue in dialogues:
        turns = [one.turn for one in dialogue]
        for at in _answered(dialogue):
            left = Left(turns[at].text, turns[at + 1].text)
            counts["touched"] += 1
            if _asks(turns, at, closings) and not _is_open(turns[: at + 2], at, closings):
                counts["closed"] += 1
            else:
                not_closed.append(left)
            if at + 2 < len(turns):
                counts["cut"] += 1
                if _is_open(turns[: at + 1] + turns[at + 2 :], at, closings):
                    counts["stayed"] += 1
                else:
                    not_stayed.append(left)
    return Studied(**counts, not_closed=tuple(not_closed), not_stayed=tuple(not_stayed))


def _answered(dialogue: Sequence[LabelledTurn]) -> Iterable[int]:
    """The customer's turns that ask for something which the next turn of the agent gives."""
    for at, one in enumerate(dialogue[:-1]):
        asked = {act[1:] for act in one.acts if act[0] == _REQUEST}
        given = {act[1:] for act in dialogue[at + 1].acts if act[0] in _GIVES}
        if one.turn.by == "customer" and dialogue[at + 1].turn.by == "agent" and asked & given:
            yield at


def _asks(turns: Sequence[Turn], at: int, closings: Closings) -> bool:
    return _is_open(turns[: at + 1], at, closings)


def _is_open(turns: Sequence[Turn], at: int, closings: Closings) -> bool:
    return any(one.turn == at for one in open_questions(turns, closings))
