"""Dependent rows of a customer or a message, found by the foreign keys, so that new tables are found as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from bot.platform.models import Model

DependentRows = dict[Table, list[tuple[Any, ...]]]
AT_ONCE = 400  # keys per IN list; with two columns each still below the 999 variables that an old SQLite allows


def dependent_rows_of(session: Session, root: type[Model], ids: Sequence[int]) -> DependentRows:
    """The primary keys of these rows and of all that point to them, directly or through others; parents first."""
    found: DependentRows = {root.metadata.tables[root.__tablename__]: [(one,) for one in ids]}
    for table in Model.metadata.sorted_tables:
        if table in found:
            continue
        keys: dict[tuple[Any, ...], None] = {}
        for column in table.columns:
            for link in column.foreign_keys:
                parents = [key[0] for key in found.get(link.column.table, ())]
                for some in _portions(parents):
                    rows = session.execute(select(*table.primary_key).where(column.in_(some)))
                    keys.update(dict.fromkeys(map(tuple, rows)))
        if keys:
            found[table] = list(keys)
    return found


def rows_of(session: Session, table: Table, keys: Sequence[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """The rows of these primary keys, decrypted, in the order of the keys."""
    for some in _portions(keys):
        query = select(table).where(_is_one_of(table, some)).order_by(*table.primary_key)
        yield from (dict(row) for row in session.execute(query).mappings())


def delete_dependent_rows(session: Session, dependent: DependentRows) -> dict[str, int]:
    """Delete all of them, children first; returns how many by table."""
    session.flush()
    for table, keys in reversed(dependent.items()):
        for some in _portions(keys):
            session.execute(delete(table).where(_is_one_of(table, some)))
    session.expire_all()
    return {table.name: len(keys) for table, keys in dependent.items()}


def _is_one_of(table: Table, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    columns = list(table.primary_key)
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return or_(tuple_(*columns).in_([tuple(key) for key in keys]))


def _portions(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]
