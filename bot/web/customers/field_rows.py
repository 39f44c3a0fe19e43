"""Rows of a customer's fields for their page: the values, who told them in which words, and what is still unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.agents.manual_moves import last_moves, offered_reasons
from bot.customers.facts import all_told, that_stands, to_look_at
from bot.customers.state import CustomerState
from bot.platform.models import ToldFact
from bot.platform.work import Work
from sop.fields import Completeness, completeness, known_names, show_value
from sop.reasons import OfferedReason
from sop.workspace import FieldDefinition


@dataclass(frozen=True)
class FieldView:
    """A field: its value as people say it, the row that told it, and what was said differently since.

    earlier: what was told before, newest first, as people say it.
    """

    field: FieldDefinition
    value: str
    told: ToldFact | None = None
    other: ToldFact | None = None
    other_value: str = ""
    earlier: Sequence[tuple[ToldFact, str]] = ()


@dataclass(frozen=True)
class ProfileView:
    """How much of what a pipeline wants to know is known."""

    pipeline: str
    found: Completeness


@dataclass(frozen=True)
class AskedReason:
    """A card that lies where people are asked for a reason, and none was given yet."""

    pipeline: str
    stage: str
    offered: Sequence[OfferedReason]


def read_fields(work: Work, state: CustomerState) -> tuple[FieldView, ...]:
    """The fields in the order of the config. One query."""
    told = all_told(work.session, state)
    today = work.now.astimezone(work.settings.zone).date()
    return tuple(
        _view(field, state.fields.get(name, ""), told.get(name, ()), today)
        for name, field in work.settings.fields.items()
    )


def _view(field: FieldDefinition, value: str, history: Sequence[ToldFact], today: date) -> FieldView:
    stands, other = that_stands(history), to_look_at(history)
    earlier = [row for row in reversed(history) if row is not stands and row is not other]
    return FieldView(
        field=field,
        value=value if field.kind == "date" or not value else show_value(field, value, today),
        told=stands if value else None,
        other=other,
        other_value=show_value(field, other.value, today) if other is not None else "",
        earlier=[(row, show_value(field, row.value, today) if row.value else "") for row in earlier],
    )


def read_profiles(work: Work, state: CustomerState) -> tuple[ProfileView, ...]:
    """What the pipelines in which the customer stands want to know."""
    known = known_names(work.settings.fields, state.fields)
    wanting = (p for p in work.settings.pipelines if p.fields and p.name in state.placements)
    return tuple(ProfileView(p.name, completeness(p.fields, known)) for p in wanting)


def asked_reasons(work: Work, state: CustomerState) -> tuple[AskedReason, ...]:
    """The reasons that people are asked for and have not given yet. One query, where any stage asks."""
    asking = {p.name: offered for p in work.settings.pipelines if (offered := offered_reasons(work, state, p.name))}
    moves = last_moves(work.session, state) if asking else {}
    return tuple(
        AskedReason(name, state.placements[name].stage, offered)
        for name, offered in asking.items()
        if name in moves and not moves[name].reason
    )
