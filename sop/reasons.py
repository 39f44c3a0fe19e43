"""Reasons of a loss: which a person is offered, with those first that the customer was heard to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sop.pipeline import Stage


@dataclass(frozen=True, slots=True)
class OfferedReason:
    """A reason of the config; heard: the customer carries the tag of that name."""

    name: str
    heard: bool = False


def reasons_to_offer(stage: Stage, heard: Sequence[str]) -> tuple[OfferedReason, ...]:
    """Give the reasons of a stage. heard: the customer's tags, the latest first."""
    said = [name for name in heard if name in stage.reasons]
    return (
        *(OfferedReason(name, True) for name in said),
        *(OfferedReason(name) for name in stage.reasons if name not in said),
    )
