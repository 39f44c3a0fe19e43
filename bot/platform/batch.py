"""Batch: what is remembered while much is decided about before anything of it is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass
class Batch:
    """What the decisions of one batch share.

    since: when its earliest message was sent, or the moment of deeds. before_id: messages with this id or a larger
    one belong to it; none without it.
    occasions: what may be evidence for the first time in it, such as its messages' ids. withdrawn: cards (by task)
    that must not leave any more, and why. spoke: when agents wrote to a customer, as far as they were looked at.
    unsettled: by (agent, customer), reply clocks that only the whole conversation can tell; unsettled_groups: those
    of groups. look_again, ask_again: the customers of whose promises, and of whose questions, the same is true.
    retagged: by customer, the groups kept on the phones of which a tag was given or taken.
    """

    since: datetime
    before_id: int = 2**63 - 1
    occasions: set[str] = field(default_factory=set)
    withdrawn: dict[int, str] = field(default_factory=dict)
    spoke: dict[int, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    unsettled: dict[tuple[int, int], Any] = field(default_factory=dict)
    unsettled_groups: dict[int, Any] = field(default_factory=dict)
    retagged: dict[int, set[str]] = field(default_factory=dict)
    look_again: set[int] = field(default_factory=set)
    ask_again: set[int] = field(default_factory=set)
    _kept: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, name: Hashable, ask: Callable[[], T]) -> T:
        """What was asked under this name before, or is asked now."""
        if name not in self._kept:
            self._kept[name] = ask()
        found: T = self._kept[name]
        return found
