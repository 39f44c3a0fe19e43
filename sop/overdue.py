"""Overdue prompts: remind the agent who did not follow one, then tell their leader, within work hours and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sop.workcalendar import Workcalendar
from sop.workspace import Overdue


@dataclass(frozen=True, slots=True)
class Nudge:
    """Whom to tell about an unfollowed prompt, and when (UTC, a lawful slot)."""

    to: Literal["agent", "leader"]
    at: datetime


def next_nudge(
    delivered_at: datetime,
    reminded_at: Sequence[datetime],
    told_leader: bool,
    rules: Overdue,
    calendar: Workcalendar,
    expires_at: datetime | None = None,
) -> Nudge | None:
    """Give the next nudge about a prompt delivered at `delivered_at` and open ever since; None if there is none.

    The agent is reminded every `remind_after`, at most `reminders` times; their leader is told once, `leader_after`
    after the delivery (never, where that is 0). Of two at one time the leader's comes first and is the last.
    """
    nudges: list[Nudge] = []
    if rules.leader_after and not told_leader:
        nudges.append(Nudge("leader", calendar.next_slot(delivered_at + rules.leader_after)))
    if rules.remind_after and len(reminded_at) < rules.reminders and not told_leader:
        last = max(reminded_at, default=delivered_at)
        nudges.append(Nudge("agent", calendar.next_slot(last + rules.remind_after)))
    found = min(nudges, key=lambda nudge: nudge.at, default=None)
    return None if found is None or (expires_at is not None and found.at >= expires_at) else found
