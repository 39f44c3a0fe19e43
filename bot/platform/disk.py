"""Disk: how much room is left where Tici writes, and whether what can wait has to wait for more."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy.engine import make_url

from bot.platform.environment import Environment

MEGABYTE = 1024 * 1024


def free_megabytes(environment: Environment) -> int:
    """Room left on the fullest of the disks that hold our state and a SQLite database."""
    return min(shutil.disk_usage(folder).free for folder in _folders(environment)) // MEGABYTE


def must_wait(environment: Environment) -> bool:
    """Whether files, backtests and indexes have to wait, so that messages and prompts keep the room that is left.

    Asked anew each time: when there is room again, everything goes on by itself.
    """
    try:
        return free_megabytes(environment) < environment.least_free_megabytes
    except OSError:
        return False


def _folders(environment: Environment) -> set[Path]:
    database = make_url(environment.database_url)
    places = [environment.var]
    if database.get_backend_name() == "sqlite" and database.database:
        places.append(Path(database.database).parent)
    return {_existing(place.absolute()) for place in places}


def _existing(place: Path) -> Path:
    return place if place.exists() or place == place.parent else _existing(place.parent)
