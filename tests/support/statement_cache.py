"""Statement cache: all engines of a test run share what SQLAlchemy compiles, which each would compile anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_SHARED: LRUCache[Any, Any] = LRUCache(3000)
_MATTERS = ("tici_data_keys", "_json_serializer", "_json_deserializer")  # to compiled statements


def share_statements() -> None:
    """From now on every engine compiles into one cache, and dialects of the same kind and keys count as one."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _is_same  # type: ignore[assignment, method-assign, unused-ignore]
        kind.__hash__ = _hash  # type: ignore[assignment, method-assign, unused-ignore]
    event.listen(Engine, "engine_connect", _use_shared)


def _is_same(one: Any, other: object) -> bool:
    alike = type(one) is type(other)
    return alike and all(getattr(one, name, None) is getattr(other, name, None) for name in _MATTERS)


def _hash(one: Any) -> int:
    return hash(type(one))


def _use_shared(connection: Connection) -> None:
    connection.engine._compiled_cache = _SHARED
