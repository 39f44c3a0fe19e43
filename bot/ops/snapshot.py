"""Snapshot: one read-only view of the whole database, for work that takes longer than a page may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text


@contextmanager
def read_snapshot(engine: Engine) -> Iterator[Connection]:
    """One view of all tables, so that what is committed meanwhile is seen either wholly or not at all."""
    options: dict[str, Any] = {"tici_read_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        lift_statement_timeout(connection)
        yield connection


def lift_statement_timeout(connection: Connection) -> None:
    """Lift the limit that PostgreSQL sets to a page's queries, for this transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
