"""Bulk statements: one INSERT or UPDATE for many rows of plain values, column by column.

SQLAlchemy prepares such rows one by one and value by value; for the thousands of a batch that costs more than the
database itself. Here each column's values pass through its type at once, those of sealed columns bound to their row.
Defaults are not filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Dialect, Table, bindparam, insert, update
from sqlalchemy.sql.compiler import Compiled, SQLCompiler

from bot.platform.database.rows_sealed import of_row, sealed_in
from bot.platform.models.sealed import identity

_KEY = "row_key"
Columns = Mapping[str, Sequence[Any]]
"""The values of so many rows by the column's name."""


def insert_columns(connection: Connection, table: Table, columns: Columns) -> None:
    """Insert rows, of which these columns are given."""
    keys = list(zip(*(columns[one.name] for one in table.primary_key.columns), strict=True))
    columns = _of_rows(table, keys, columns)
    bound = {name: _bound(connection.dialect, table, name, values) for name, values in columns.items()}
    _execute(connection, insert(table).compile(dialect=connection.dialect, column_keys=list(columns)), bound)


def update_columns(connection: Connection, table: Table, keys: Sequence[Any], columns: Columns) -> None:
    """Set these columns in the rows with these primary keys."""
    (key,) = table.primary_key.columns
    columns = _of_rows(table, [(one,) for one in keys], columns)
    new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in columns}
    bound = {f"new_{name}": _bound(connection.dialect, table, name, values) for name, values in columns.items()}
    statement = update(table).where(key == bindparam(_KEY, type_=key.type)).values(new)
    _execute(connection, statement.compile(dialect=connection.dialect), {**bound, _KEY: list(keys)})


def _of_rows(table: Table, keys: Sequence[tuple[Any, ...]], columns: Columns) -> Columns:
    """These columns, where a sealed value says for which row it is."""
    sealed = [name for name in sealed_in(table) if name in columns]
    if not sealed:
        return columns
    rows = [identity(key) for key in keys]
    return {**columns, **{name: [of_row(*one) for one in zip(columns[name], rows, strict=True)] for name in sealed}}


def _bound(dialect: Dialect, table: Table, name: str, values: Sequence[Any]) -> Sequence[Any]:
    process: Callable[[Any], Any] | None = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    return values if process is None else list(map(process, values))


def _execute(connection: Connection, compiled: Compiled, bound: Mapping[str, Sequence[Any]]) -> None:
    assert isinstance(compiled, SQLCompiler)
    if compiled.positiontup is not None:
        rows: list[Any] = list(zip(*(bound[name] for name in compiled.positiontup), strict=True))
    else:
        rows = [dict(zip(bound, row, strict=True)) for row in zip(*bound.values(), strict=True)]
    connection.exec_driver_sql(compiled.string, rows)
