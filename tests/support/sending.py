"""Sends messages as a worker process does, and reads what arrived on the phones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TypeAlias

from bot.platform.environment import read_environment
from bot.system import System
from bot.wecom.errors import CallHeldError
from tests.support.parts import Town

Message: TypeAlias = tuple[str, int]
"""The receiver, and a number that makes the text unique."""


@cache
def _system(variables: frozenset[tuple[str, str]]) -> System:
    return System(read_environment(dict(variables)))


def send(variables: Mapping[str, str], messages: Sequence[Message]) -> list[Message]:
    """Send what the gateway lets through; returns the rest. A member whose message was held is not tried again."""
    wecom, full = _system(frozenset(variables.items())).wecom, set[str]()
    left = []
    for userid, number in messages:
        if userid not in full:
            try:
                wecom.send_text(userid, f"第 {number} 条")
                continue
            except CallHeldError:
                full.add(userid)
        left.append((userid, number))
    return left


def arrivals(town: Town) -> dict[str, list[datetime]]:
    """The times at which each member received messages, by the sandbox's clock."""
    since, seen = 0, defaultdict(list)
    while effects := town.control.effects(since, "message"):
        since = effects[-1]["id"]
        for effect in effects:
            seen[effect["userid"]].append(datetime.fromisoformat(effect["at"]))
    return {userid: sorted(times) for userid, times in seen.items()}


def most_in_a_minute(times: Sequence[datetime]) -> int:
    """The largest number within any sixty seconds."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= timedelta(seconds=60):
            first += 1
        most = max(most, last - first + 1)
    return most
