"""Quotas: what was used of a limit, counted in the database, so that all workers keep it and no restart resets it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.platform.database.store import insert_new
from bot.platform.models import Allowance
from bot.wecom.limits import Limit

LEEWAY = 12  # seconds by which WeCom may count a call later than we do: its time-out and a little more
_BUCKETS = 60  # per window: counts are kept by the sixtieth of it
_KEPT = timedelta(hours=30)  # longer than the longest window
_SET_BACK = timedelta(minutes=1)  # a clock this far behind was set back: workers' clocks differ by less
_LONGEST_QUEUE = 3600.0  # seconds; turns are not promised beyond: many of those waiting may be cancelled by then


def spend(session: Session, name: str, limits: Sequence[Limit], now: datetime) -> float:
    """Use one of each limit and return 0, or use nothing and return the seconds until this caller's own turn.

    name: what is limited, such as "message/send:linxiaoyu". limits: at least one. The row stays locked until
    the transaction ends.
    """
    insert_new(session, Allowance, [{"name": name, "spent": {}, "used_at": now}], ["name"])
    row = session.scalars(select(Allowance).where(Allowance.name == name).with_for_update()).one()
    if row.used_at - now > _SET_BACK:
        row.hint_at = None
    row.used_at, present = now, now.timestamp()
    counts = {limit: _recent(row.spent.get(str(limit.seconds), []), limit, present) for limit in limits}
    free_at = {limit: _free_at(counts[limit], limit, present) for limit in limits}
    tightest = max(limits, key=lambda limit: free_at[limit])
    if free_at[tightest] > present:
        return _next_turn(row, free_at[tightest], _counting_seconds(tightest) / tightest.most, present) - present
    row.spent = {str(limit.seconds): _counted(counts[limit], limit, present) for limit in limits}
    return 0.0


def forget_unused(session: Session, now: datetime) -> None:
    """Delete rows unused for longer than any window."""
    session.execute(delete(Allowance).where(Allowance.used_at < now - _KEPT))


def _bucket_seconds(limit: Limit) -> int:
    return max(limit.seconds // _BUCKETS, 1)


def _counting_seconds(limit: Limit) -> int:
    """For how many seconds a count may still be inside WeCom's window."""
    return limit.seconds + LEEWAY + _bucket_seconds(limit)


def _recent(spent: Sequence[Sequence[int]], limit: Limit, present: float) -> list[list[int]]:
    """The counts that still matter. Those in the future (the clock was set back) count as of now."""
    since = present - _counting_seconds(limit)
    return [[min(at, math.floor(present)), count] for at, count in spent if at > since]


def _free_at(counts: list[list[int]], limit: Limit, present: float) -> float:
    """When one more call is allowed: now, or once enough of the oldest have left the window."""
    excess = sum(count for _, count in counts) - limit.most
    for at, count in sorted(counts):
        if excess < 0:
            break
        excess -= count
        present = at + _counting_seconds(limit)
    return present


def _counted(counts: list[list[int]], limit: Limit, present: float) -> list[list[int]]:
    bucket = _bucket_seconds(limit)
    at = math.floor(present) // bucket * bucket
    mine = sum(count for when, count in counts if when == at)
    return [pair for pair in counts if pair[0] != at] + [[at, mine + 1]]


def _next_turn(row: Allowance, free_at: float, apart: float, present: float) -> float:
    """A separate time for each waiting caller: otherwise all would come back at once, most of them in vain."""
    promised = row.hint_at.timestamp() if row.hint_at is not None else 0.0
    turn = max(free_at, min(promised + apart, present + _LONGEST_QUEUE))
    row.hint_at = datetime.fromtimestamp(turn, UTC)
    return turn
