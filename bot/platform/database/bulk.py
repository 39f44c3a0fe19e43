"""Bulk statements: one INSERT or UPDATE for many rows of plain values, column by column.

SQLAlchemy prepares such rows one by one and value by value; for the thousands of a batch that costs more than the
database itself. Here each column's values pass through its type at once, those of sealed columns bound to their row.
Defaults are not filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Table, bindparam, insert, update
from sqlalchemy.sql.compiler import SQLCompiler

from bot.platform.database.bulk_postgresql import KEY, Columns, copy_into, update_from_arrays
from bot.platform.database.rows_sealed import sealed_in
from bot.platform.models.sealed import Sealed, SealedJson, identity


class _Statement(Protocol):
    """What is done for many rows at once."""

    def execute(self, connection: Connection, bound: Columns) -> None:
        """Do it for rows of which the values are given by parameter."""
        ...


@dataclass(frozen=True)
class _Many:
    """A statement that the driver executes once for each row."""

    text: str
    order: tuple[str, ...]

    def execute(self, connection: Connection, bound: Columns) -> None:
        """See _Statement."""
        connection.exec_driver_sql(self.text, list(zip(*(bound[name] for name in self.order), strict=True)))


def insert_columns(connection: Connection, table: Table, columns: Columns) -> None:
    """Insert rows, of which these columns are given."""
    keys = list(zip(*(columns[one.name] for one in table.primary_key.columns), strict=True))
    bound = _bound(connection.dialect, table, keys, columns)
    _insert(table, tuple(columns), connection.dialect).execute(connection, bound)


def update_columns(connection: Connection, table: Table, keys: Sequence[Any], columns: Columns) -> None:
    """Set these columns in the rows with these primary keys."""
    bound = _bound(connection.dialect, table, [(one,) for one in keys], columns)
    renamed = {f"new_{name}": values for name, values in bound.items()}
    _update(table, tuple(columns), connection.dialect).execute(connection, {**renamed, KEY: list(keys)})


@lru_cache(maxsize=500)
def _insert(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Statement:
    if dialect.name == "postgresql":
        return copy_into(table, names, dialect)
    return _compiled(insert(table), dialect, list(names))


@lru_cache(maxsize=500)
def _update(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Statement:
    if dialect.name == "postgresql":
        return update_from_arrays(table, names, dialect)
    (key,) = table.primary_key.columns
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
    return _compiled(update(table).where(key == bindparam(KEY, type_=key.type)).values(new), dialect)


def _compiled(statement: Any, dialect: Dialect, columns: list[str] | None = None) -> _Many:
    compiled = statement.compile(dialect=dialect, column_keys=columns)
    assert isinstance(compiled, SQLCompiler)
    assert compiled.positiontup is not None
    return _Many(compiled.string, tuple(compiled.positiontup))


def _bound(dialect: Dialect, table: Table, keys: Sequence[tuple[Any, ...]], columns: Columns) -> Columns:
    """The values as the driver takes them, the sealed ones each for its row."""
    rows = [identity(key) for key in keys] if any(name in columns for name in sealed_in(table)) else ()
    return {name: _of_type(dialect, table.c[name].type, values, rows) for name, values in columns.items()}


def _of_type(dialect: Dialect, kind: Any, values: Sequence[Any], rows: Sequence[bytes]) -> Sequence[Any]:
    if isinstance(kind, Sealed | SealedJson):
        return kind.seal_all(values, rows, dialect)
    process: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return values if process is None else list(map(process, values))
