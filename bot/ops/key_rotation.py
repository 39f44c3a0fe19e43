"""Key rotation: re-encrypts every sealed value under the newest data key, in small steps while the system runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.platform.database.store import Store
from bot.platform.encryption import HEADER_BYTES
from bot.platform.models import Model
from bot.platform.models.sealed import Sealed, SealedJson

AT_ONCE = 200
_TRIES = 5


@dataclass(frozen=True)
class SealedTable:
    """A table and those of its columns that are sealed."""

    table: Table
    columns: tuple[Column[Any], ...]


def sealed_tables() -> list[SealedTable]:
    """Every table with sealed columns."""
    found = []
    for table in Model.metadata.sorted_tables:
        columns = tuple(column for column in table.columns if isinstance(column.type, Sealed | SealedJson))
        if columns:
            found.append(SealedTable(table, columns))
    return found


def count_stale(session: Session, header: bytes) -> int:
    """How many rows hold a value that is not sealed under the key of this header."""
    counts = [
        session.scalar(select(func.count()).select_from(one.table).where(_stale(one, header)))
        for one in sealed_tables()
    ]
    return sum(count or 0 for count in counts)


def rotate(store: Store, on_progress: Callable[[int], None]) -> int:
    """Make one pass over all tables; reports after each step how many rows it covered, returns how many in all.

    Needs no stored state: what is left to do is what is sealed under another key. A value that is changed meanwhile
    was sealed anew by that change, or is left to the next pass.
    """
    total = 0
    for one in sealed_tables():
        for count in _walk(store, one):
            total += count
            on_progress(count)
    return total


def _walk(store: Store, one: SealedTable) -> Iterator[int]:
    after: tuple[Any, ...] | None = None
    while True:
        for attempt in range(_TRIES):
            try:
                with store.write() as session:
                    count, last = _step(session, store, one, after)
                break
            except OperationalError:  # a lock timeout, or a deadlock in which the database chose us
                if attempt == _TRIES - 1:
                    raise
        if last is None:
            return
        after = last
        yield count


def _step(
    session: Session, store: Store, one: SealedTable, after: tuple[Any, ...] | None
) -> tuple[int, tuple[Any, ...] | None]:
    keys, header = list(one.table.primary_key), store.keys.header
    query = select(*keys, *(_raw(column) for column in one.columns)).where(_stale(one, header))
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*(literal(value) for value in after)))
    rows = session.execute(query.order_by(*keys).limit(AT_ONCE)).all()
    changes = [(row[: len(keys)], _renewed(store, one, row[len(keys) :], header)) for row in rows]
    changes.sort(key=lambda change: sorted(change[1]))
    for names, alike in groupby(changes, key=lambda change: tuple(sorted(change[1]))):
        _write(session, one, names, [(key, values) for key, values in alike])
    return len(rows), tuple(rows[-1][: len(keys)]) if rows else None


def _renewed(store: Store, one: SealedTable, values: Any, header: bytes) -> dict[str, tuple[bytes, bytes]]:
    """By column: the old sealed value and the new one."""
    found = {}
    for column, value in zip(one.columns, values, strict=True):
        if value and value[:HEADER_BYTES] != header:
            where = f"{one.table.name}.{column.name}".encode()
            found[column.name] = value, store.keys.seal(store.keys.open(value, where), where)
    return found


def _write(
    session: Session,
    one: SealedTable,
    names: tuple[str, ...],
    changes: list[tuple[Any, dict[str, tuple[bytes, bytes]]]],
) -> None:
    keys = list(one.table.primary_key)
    same = [key == bindparam(f"key_{key.name}") for key in keys]
    same += [_raw(one.table.c[name]) == bindparam(f"old_{name}", type_=LargeBinary) for name in names]
    values = {name: bindparam(f"new_{name}", type_=LargeBinary) for name in names}
    session.connection().execute(
        update(one.table).where(*same).values(values),
        [
            {f"key_{key.name}": part for key, part in zip(keys, row_key, strict=True)}
            | {f"old_{name}": pair[0] for name, pair in renewed.items()}
            | {f"new_{name}": pair[1] for name, pair in renewed.items()}
            for row_key, renewed in changes
        ],
    )


def _raw(column: Column[Any]) -> ColumnElement[bytes]:
    return type_coerce(column, LargeBinary)


def _stale(one: SealedTable, header: bytes) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                func.length(_raw(column)) > 0,
                func.substr(_raw(column), 1, HEADER_BYTES, type_=LargeBinary) != literal(header, LargeBinary),
            )
            for column in one.columns
        )
    )
