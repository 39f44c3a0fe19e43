"""What was asked and answered: turns of a talk as suggestions are looked for and learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Said:
    """A turn of a talk."""

    by: Literal["customer", "agent"]
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a customer said last, and the turns before it, the newest last."""

    text: str
    before: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with its answer; talk: a number of the conversation it is from."""

    asked: Asked
    answer: str
    talk: int
