"""Pilot: for which agents prompts and marks leave while a company tries Tici out, and what its words are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

WITHHELD = "不在试点名单里，没有发出"
REPORTED_AFTER = timedelta(days=3)


def is_outside_pilot(pilot: Sequence[str] | None, agent: str) -> bool:
    """Whether a pilot is on and this agent (by userid) is not of it. None: no pilot; an empty one has nobody."""
    return pilot is not None and agent.casefold() not in {one.casefold() for one in pilot}


def unknown_in_pilot(pilot: Sequence[str] | None, known: Collection[str]) -> list[str]:
    """Those named for the pilot whom nobody has met yet: most often a slip of the pen. known: case-folded."""
    return [one for one in pilot or () if one.casefold() not in known]
