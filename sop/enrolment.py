"""Enrolment rules: whether a customer may be enrolled in an SOP (again), and which of several SOPs goes first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sop.playbook import Sop
from sop.translatable import Translatable


def why_not_again(sop: Sop, last_enrolled_at: datetime | None, now: datetime) -> str | None:
    """Say (for people) why a customer enrolled at `last_enrolled_at` may not have the SOP now; None if they may."""
    if last_enrolled_at is None or sop.again == "always":
        return None
    if sop.again == "never":
        return "这份跟进每位客户只做一次"
    free_at = last_enrolled_at + sop.again
    if now >= free_at:
        return None
    return Translatable("距上一次不到 {n} 天", n=sop.again.days) if sop.again.days else "距上一次太近"


def by_priority(sops: Iterable[Sop]) -> tuple[Sop, ...]:
    """The most important first; of equals the order of the config stands."""
    return tuple(sorted(sops, key=lambda sop: -sop.priority))
