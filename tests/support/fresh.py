"""Brings a database to this release quickly: migrations run once, and their result is copied (SQLite) or repeated."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from bot.platform.database.schema import current_revision, upgrade
from bot.platform.database.store import open_engine

_STATEMENTS: list[tuple[str, Any]] = []  # of the migrations, as PostgreSQL got them


def bring_up(engine: Engine) -> None:
    """Bring an empty database to this release. The migrations themselves have tests of their own."""
    if engine.dialect.name == "postgresql":
        _bring_up_postgres(engine)
        return
    path = Path(engine.url.database or "")
    if path.exists():
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


def _bring_up_postgres(engine: Engine) -> None:
    """Repeat the statements that the migrations made the first time: they compare and compute a great deal."""
    if current_revision(engine) is not None:
        upgrade(engine)
    elif not _STATEMENTS:
        event.listen(engine, "before_cursor_execute", _note)
        upgrade(engine)
        event.remove(engine, "before_cursor_execute", _note)
    else:
        with engine.begin() as connection:
            for statement, given in _STATEMENTS:
                connection.exec_driver_sql(statement, given)


def _note(connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: bool) -> None:
    assert not many
    if not statement.lstrip().upper().startswith("SELECT"):
        _STATEMENTS.append((statement, given))
