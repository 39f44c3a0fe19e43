"""Used answers: from talks as they are held, what was asked, what was answered, and that the customer went on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from taggers.asked import Asked, Said

_REMEMBERED = 6
_LONGEST_QUESTION = 300


@dataclass(frozen=True, slots=True)
class UsedAnswer:
    """An answer after which the customer said something. messages: the ids of question, answer and reaction."""

    customer: int
    agent: int | None
    asked: Asked
    answer: str
    messages: frozenset[int]


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of a single chat."""

    id: int
    customer: int
    agent: int | None
    by: Literal["customer", "agent"]
    text: str


@dataclass(slots=True)
class _Talk:
    said: deque[Said] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    question: list[Turn] = field(default_factory=list)
    answer: Turn | None = None
    asked: Asked = field(default_factory=lambda: Asked(""))


class TalkListener:
    """Hears messages in the order of their ids and tells which answers were used."""

    def __init__(self) -> None:
        self._talks: dict[int, _Talk] = {}

    def hear(self, turn: Turn) -> Iterator[UsedAnswer]:
        """The answer that this turn shows to be used, if it does: the customer's first words after it."""
        talk = self._talks.setdefault(turn.customer, _Talk())
        if turn.by == "agent":
            self._answer(talk, turn)
        else:
            if talk.answer is not None:
                messages = frozenset((turn.id, talk.answer.id, *(one.id for one in talk.question)))
                yield UsedAnswer(turn.customer, talk.answer.agent, talk.asked, talk.answer.text, messages)
                talk.question, talk.answer = [], None
            talk.question.append(turn)
        talk.said.append(Said(turn.by, turn.text))

    def forget(self, customer: int) -> None:
        """Have not heard anything of this customer, who is to be heard from the start."""
        self._talks.pop(customer, None)

    def _answer(self, talk: _Talk, turn: Turn) -> None:
        """The first words after a question are its answer; what is said unasked is none."""
        if not talk.question or talk.answer is not None:
            return
        before = tuple(talk.said)[: -len(talk.question)] if len(talk.question) < len(talk.said) else ()
        question = "\n".join(one.text for one in talk.question)[-_LONGEST_QUESTION:]
        talk.answer, talk.asked = turn, Asked(question, before)
