"""A database of this release at once: on SQLite migrations run one time, and their file is copied from then on."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from bot.platform.database.schema import upgrade
from bot.platform.database.store import open_engine


def bring_up(engine: Engine) -> None:
    """Bring an empty database to this release. What migrations do is asked by tests of their own, which run them."""
    path = Path(engine.url.database or "")
    if engine.dialect.name != "sqlite" or path.exists():
        upgrade(engine)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="tici-fresh-") as folder:
        path = Path(folder) / "tici.db"
        engine = open_engine(f"sqlite:///{path}")
        upgrade(engine)
        engine.dispose()  # the last connection takes the write-ahead log along
        return path.read_bytes()
