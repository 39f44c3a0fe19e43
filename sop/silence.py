"""Silence of those who never said a word: from when it counts, and how many of them may be taken up in a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sop.workspace import Workspace

ROUND = timedelta(hours=1)
"""So often all of them are gone through anew; who becomes silent long enough in between waits for the next round."""


def counts_since(workspace: Workspace) -> datetime | None:
    """The moment before which nobody's silence counts who never said a word; None where theirs does not count."""
    if workspace.silent_since is None:
        return None
    return datetime.combine(workspace.silent_since, time(0), ZoneInfo(workspace.timezone))


def silent_from(added_at: datetime, since: datetime) -> datetime:
    """From when a customer is silent who never said a word: since they were added, or since it counts."""
    return max(added_at, since)


@dataclass(frozen=True, slots=True)
class Ramp:
    """How far one SOP or rule has got: how many were taken up on `day`, and after whom a round goes on.

    A round that has come to its end (`after` is None) begins anew an hour after it began.
    """

    day: date
    taken: int = 0
    after: int | None = 0
    began_at: datetime | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any] | None, now: datetime, day: date) -> Ramp:
        """What was remembered, as it is to be gone on with."""
        if not kept:
            return cls(day, began_at=now)
        began = datetime.fromisoformat(kept["began_at"])
        ramp = cls(day, kept["taken"] if kept["day"] == day.isoformat() else 0, kept["after"], began)
        again = ramp.after is None and now - began >= ROUND
        return replace(ramp, after=0, began_at=now) if again else ramp

    def room(self, per_day: int, portion: int) -> int:
        """How many may be taken up now."""
        return 0 if self.after is None else max(min(per_day - self.taken, portion), 0)

    def kept(self) -> dict[str, Any]:
        """What is remembered."""
        began = self.began_at.isoformat() if self.began_at is not None else None
        return {"day": self.day.isoformat(), "taken": self.taken, "after": self.after, "began_at": began}


def days_needed(waiting: int, per_day: int) -> int:
    """Over how many days so many are spread."""
    return -(-waiting // per_day) if per_day else 0
