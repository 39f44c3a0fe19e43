"""Clock: the one place where the time of day is read; everything below the edge is handed `now`."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FILE = "TICI_CLOCK_FILE"


def now() -> datetime:
    """The present as an aware UTC datetime.

    Where TICI_CLOCK_FILE names a file (the demo and the tests set it, production never does), the seconds
    written in it are added, so that tomorrow's prompts can be watched today, by every process at once.
    """
    present = datetime.now(UTC)  # noqa: TID251 - the one permitted reading
    shift = os.environ.get(_FILE)
    return present + timedelta(seconds=_offset(Path(shift))) if shift else present


def can_move() -> bool:
    """Whether this system's time may be moved forward."""
    return bool(os.environ.get(_FILE))


def move_forward(by: timedelta) -> datetime:
    """Move time forward for every process that shares the clock file; returns the new present."""
    path = Path(os.environ[_FILE])
    if by < timedelta(0):
        raise ValueError("time only moves forward")
    _write(path, timedelta(seconds=_offset(path)) + by)
    return now()


def begin_at(moment: datetime) -> None:
    """Set time, forward or back, for every process that shares the clock file: only before anything has happened."""
    _write(Path(os.environ[_FILE]), moment - datetime.now(UTC))  # noqa: TID251 - the difference to the real time


def _write(path: Path, shift: timedelta) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")  # renamed over the old one: no reader sees half a number
    fresh.write_text(str(shift.total_seconds()))
    fresh.replace(path)


def _offset(path: Path) -> float:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0
