"""Simulated customers: where they stand on the boards, which tags they carry, which SOPs they are on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sop.budget import talks
from sop.guards import Facts
from sop.planning import PlannedStep
from sop.playbook import Sop

_WEEK = timedelta(days=8)


@dataclass(slots=True)
class BoardPosition:
    """A place on one board; `before` is the stage the customer came from."""

    stage: str
    entered_at: datetime
    before: str | None = None
    by_person_at: datetime | None = None


@dataclass(slots=True)
class SimulatedPrompt:
    """A prompt that left: whether the agent followed it, or it ended some other way. `waits`: the customer did."""

    sent_at: datetime
    waits: bool
    followed_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits for the agent."""
        return self.followed_at is None and self.ended_at is None


@dataclass(slots=True)
class SimulatedEnrolment:
    """A customer on an SOP: what is planned, by step, and what left."""

    sop: Sop
    since: datetime
    steps: dict[int, PlannedStep]
    due: dict[int, datetime]
    cards: dict[int, SimulatedPrompt] = field(default_factory=dict)
    reminded: dict[int, list[datetime]] = field(default_factory=dict)
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is open any more."""
        return self.ended_at is not None or (not self.due and not any(card.is_open for card in self.cards.values()))

    def end(self, now: datetime) -> None:
        """Stop it: nothing more is sent, open cards count for nothing."""
        self.ended_at = now
        self.due.clear()
        for card in self.cards.values():
            if card.is_open:
                card.ended_at = now


@dataclass(slots=True)
class SimulatedCustomer:
    """One customer."""

    number: int
    agent: int
    came: datetime
    progress: list[int]
    boards: dict[str, BoardPosition] = field(default_factory=dict)
    ledger: list[tuple[str, str | None, str]] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    enrolments: list[SimulatedEnrolment] = field(default_factory=list)
    our_words: list[datetime] = field(default_factory=list)
    word_at: datetime | None = None
    peace_at: datetime | None = None
    left_at: datetime | None = None
    born: date | None = None

    @property
    def said_at(self) -> datetime | None:
        """When our side spoke last."""
        return self.our_words[-1] if self.our_words else None

    @property
    def waits(self) -> bool:
        """Whether the last word is the customer's."""
        return self.word_at is not None and (self.said_at is None or self.word_at >= self.said_at)

    def facts(self, board: BoardPosition | None, now: datetime) -> Facts:
        """What guards ask."""
        entered, person = (board.entered_at, board.by_person_at) if board else (None, None)
        return Facts(now, self.tags, 10 * len(self.tags), entered, person)

    def contacts(self, now: datetime, hold: timedelta) -> tuple[datetime, ...]:
        """When our side reached the customer lately: talks opened, and prompts not yet followed."""
        words = [at for at in self.our_words if at > now - _WEEK]
        open_cards = [card.sent_at for e in self.enrolments for card in e.cards.values() if card.is_open]
        return (*talks(words, hold), *open_cards)
