"""What was used of a limit: counted in the database, so that all workers together keep it and no restart lifts it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.platform.database.store import insert_new
from bot.platform.models import Allowance
from bot.wecom.limits import Limit

LEEWAY = 12  # seconds between our counting a call and WeCom's: a time-out, and a little
_GRAINS = 60  # counts are kept by the sixtieth of a window
_KEPT = timedelta(hours=30)  # longer than the longest window
_SET_BACK = timedelta(minutes=1)  # more than two workers' clocks differ
_LONGEST_QUEUE = 3600.0  # whoever was promised a turn may have been cancelled since


def spend(session: Session, name: str, limits: Sequence[Limit], now: datetime) -> float:
    """Take one of each limit, or nothing: then the seconds until the caller's turn, each caller another.

    name: of what is limited, such as "message/send:linxiaoyu". limits: at least one. The row stays locked until
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
        return _turn(row, free_at[tightest], _stay(tightest) / tightest.most, present) - present
    row.spent = {str(limit.seconds): _counted(counts[limit], limit, present) for limit in limits}
    return 0.0


def forget_unused(session: Session, now: datetime) -> None:
    """Rows nobody spent from for longer than any window is."""
    session.execute(delete(Allowance).where(Allowance.used_at < now - _KEPT))


def _grain(limit: Limit) -> int:
    return max(limit.seconds // _GRAINS, 1)


def _stay(limit: Limit) -> int:
    """For how many seconds a count may still lie within WeCom's window."""
    return limit.seconds + LEEWAY + _grain(limit)


def _recent(spent: Sequence[Sequence[int]], limit: Limit, present: float) -> list[list[int]]:
    """The counts that matter still. Those in the future (the clock was set back) count as of now."""
    since = present - _stay(limit)
    return [[min(at, math.floor(present)), count] for at, count in spent if at > since]


def _free_at(counts: list[list[int]], limit: Limit, present: float) -> float:
    """When one more may be made: now, or when enough of the oldest have left the window."""
    excess = sum(count for _, count in counts) - limit.most
    for at, count in sorted(counts):
        if excess < 0:
            break
        excess -= count
        present = at + _stay(limit)
    return present


def _counted(counts: list[list[int]], limit: Limit, present: float) -> list[list[int]]:
    grain = _grain(limit)
    at = math.floor(present) // grain * grain
    mine = sum(count for when, count in counts if when == at)
    return [pair for pair in counts if pair[0] != at] + [[at, mine + 1]]


def _turn(row: Allowance, free_at: float, apart: float, present: float) -> float:
    """A time of its own for each who has to wait, or all would come back at once and all but few in vain."""
    promised = row.hint_at.timestamp() if row.hint_at is not None else 0.0
    turn = max(free_at, min(promised + apart, present + _LONGEST_QUEUE))
    row.hint_at = datetime.fromtimestamp(turn, UTC)
    return turn
