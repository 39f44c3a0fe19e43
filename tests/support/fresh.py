"""Brings a database to this release quickly: on SQLite migrations run once, and their file is copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from bot.platform.database.schema import upgrade
from bot.platform.database.store import open_engine


def bring_up(engine: Engine) -> None:
    """Bring an empty database to this release. The migrations themselves have tests of their own."""
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
        engine.dispose()  # closing the last connection merges the write-ahead log into the file
        return path.read_bytes()
