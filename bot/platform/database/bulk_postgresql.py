"""Bulk statements of PostgreSQL: rows go in by a binary COPY, and are changed by one UPDATE from arrays.

A driver that executes a statement for each row costs twice as much of the processor, here and in the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.exc import DBAPIError

KEY = "row_key"
Columns = Mapping[str, Sequence[Any]]
"""The values of so many rows by the column's name."""


@dataclass(frozen=True)
class _Copy:
    """A COPY into a table. kinds: the types of its columns."""

    text: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]

    def execute(self, connection: Connection, bound: Columns) -> None:
        """Write rows, of which the values are given by column. Raises what SQLAlchemy raises for a statement."""
        driver = connection.connection.driver_connection
        assert driver is not None
        try:
            with driver.cursor() as cursor, cursor.copy(self.text) as copy:
                copy.set_types(self.kinds)
                for row in zip(*(bound[name] for name in self.names), strict=True):
                    copy.write_row(row)
        except connection.dialect.loaded_dbapi.Error as error:
            raise self._told(connection, error) from error

    def _told(self, connection: Connection, error: Exception) -> Exception:
        dialect, raw = connection.dialect, connection.connection
        gone = dialect.is_disconnect(error, raw, None)  # type: ignore[arg-type]
        told: Exception = DBAPIError.instance(
            self.text, None, error, dialect.loaded_dbapi.Error, hide_parameters=True, connection_invalidated=gone
        )
        if gone:
            connection.invalidate(error)
        return told


@dataclass(frozen=True)
class _FromArrays:
    """An UPDATE from arrays, one for each of its parameters."""

    text: str
    order: tuple[str, ...]

    def execute(self, connection: Connection, bound: Columns) -> None:
        """Change rows, of which the values are given by parameter."""
        connection.exec_driver_sql(self.text, tuple(list(bound[name]) for name in self.order))


def copy_into(table: Table, names: tuple[str, ...], dialect: Dialect) -> _Copy:
    """What inserts rows of which these columns are given."""
    quoted = ", ".join(map(dialect.identifier_preparer.quote, names))
    text = f"COPY {dialect.identifier_preparer.format_table(table)} ({quoted}) FROM STDIN (FORMAT BINARY)"
    return _Copy(text, names, tuple(_kind(table, name, dialect) for name in names))


def update_from_arrays(table: Table, names: tuple[str, ...], dialect: Dialect) -> _FromArrays:
    """What sets these columns of rows by their primary key; the parameters are KEY and new_NAME."""
    (key,), quote = table.primary_key.columns, dialect.identifier_preparer.quote
    order = (KEY, *(f"new_{name}" for name in names))
    arrays = ", ".join(f"%b::{_kind(table, name, dialect)}[]" for name in (key.name, *names))
    new = ", ".join(f"{quote(name)} = given.{quote('new_' + name)}" for name in names)
    given, own = ", ".join(map(quote, order)), dialect.identifier_preparer.format_table(table)
    text = (
        f"UPDATE {own} SET {new} FROM unnest({arrays}) AS given({given}) WHERE {own}.{quote(key.name)} = given.{KEY}"  # noqa: S608
    )
    return _FromArrays(text, order)


def _kind(table: Table, name: str, dialect: Dialect) -> str:
    """The type of a column as PostgreSQL calls it, without a length."""
    return table.c[name].type.compile(dialect).partition("(")[0].lower()
