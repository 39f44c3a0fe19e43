"""What agents may ask for in the chat: one class per order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Today:
    """The agent's list of the day."""


@dataclass(frozen=True, slots=True)
class Help:
    """How to write; `hint` says what was not understood."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Who is this customer."""

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """Number n of the list last shown is sent, or (0) the step that this customer has."""

    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """Number n, or (0) the step that this customer has, comes later; `until` is an aware instant (UTC)."""

    number: int
    until: datetime
    name: str = ""


@dataclass(frozen=True, slots=True)
class MoveToStage:
    """Bring a customer into a stage; `words` are the name and the stage, in this order, not yet told apart."""

    words: str


@dataclass(frozen=True, slots=True)
class Remind:
    """Remind of a customer; `words` are the name, the time and what is to be done, as they were typed."""

    words: str


@dataclass(frozen=True, slots=True)
class WriteNote:
    """Note something about a customer; `words` are the name and the note, as they were typed."""

    words: str


@dataclass(frozen=True, slots=True)
class WhatToSay:
    """The best words for a customer now."""

    name: str


@dataclass(frozen=True, slots=True)
class FindWords:
    """Wordings of the company about something, or, where the words name a customer, the best ones for them."""

    words: str


@dataclass(frozen=True, slots=True)
class Pick:
    """Number n of what was shown last: the answer to a question, or a step to look at."""

    number: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take back what was last done by a word."""


Order = (
    Today | Help | Lookup | Done | Delay | MoveToStage | Remind | WriteNote | WhatToSay | FindWords | Pick | TakeBack
)
