"""Drift: what one comparison of WeCom with our rows found, with its counts and the outbox rows that repair it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.platform.models import Outbox
from sop.tag_sync import Policy


@dataclass(frozen=True)
class Drift:
    """One difference. kind: stage | stages | tags | new | ended | library | staff | group. repair: what is done."""

    kind: str
    what: str
    repair: str
    customer: str = ""
    external_userid: str = ""
    userid: str = ""
    pipeline: str = ""
    ours: str = ""
    theirs: str = ""


@dataclass
class Reconciliation:
    """One comparison over some or all agents: its settings and its results so far.

    greets: whether contacts just added, of which no event told, begin as newcomers do. rows: ids of the outbox rows
    that repair. library: WeCom's corp tags by tag id. repairs: by customer id, the profile reading that repairs.
    paced_until: when the last repair of a phone's tags is due that this run put out.
    counts: by kind of thing, how many were new, changed and gone.
    """

    policy: Policy
    stamp: str
    dry_run: bool = False
    greets: bool = True
    agents: int = 0
    follows: int = 0
    drift: list[Drift] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    library: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    repairs: dict[int, Outbox] = field(default_factory=dict)
    paced_until: datetime | None = None
    counts: dict[str, list[int]] = field(default_factory=dict)

    def count(self, what: str, new: int = 0, changed: int = 0, gone: int = 0) -> None:
        """Add to what was found of one kind of thing."""
        before = self.counts.get(what, [0, 0, 0])
        self.counts[what] = [old + more for old, more in zip(before, (new, changed, gone), strict=True)]
