"""Brings a database to this release quickly: migrations run once, and the files they left are copied."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from bot.platform.database.schema import current_revision, upgrade
from bot.platform.database.store import open_engine

_MIGRATED = "tici_migrated"
_COPY = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")


def bring_up(engine: Engine) -> None:
    """Bring an empty database to this release. The migrations themselves have tests of their own."""
    if engine.dialect.name == "postgresql":
        _bring_up_postgres(engine)
        return
    path = Path(engine.url.database or "")
    if path.exists() and current_revision(engine) is not None:
        upgrade(engine)
        return
    engine.dispose()  # a store that was opened has made an empty file: what is replaced may not be in use
    path.parent.mkdir(parents=True, exist_ok=True)
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
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
    """Run the migrations once on a server; every further database is a copy of the files of that first one."""
    if current_revision(engine) is not None:
        upgrade(engine)
        return
    url = engine.url
    host = str(url.query["host"])
    with psycopg.connect(host=host, user=url.username, dbname="postgres", autocommit=True) as server:
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_MIGRATED]).fetchone()
        if known is None:
            upgrade(engine)
        engine.dispose()  # neither what is copied nor what is replaced may be in use
        name = sql.Identifier(url.database or "")
        if known is None:
            server.execute(_COPY.format(sql.Identifier(_MIGRATED), name))
        else:
            server.execute(sql.SQL("DROP DATABASE {}").format(name))
            server.execute(_COPY.format(name, sql.Identifier(_MIGRATED)))
