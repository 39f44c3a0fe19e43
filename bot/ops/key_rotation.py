"""Key rotation: re-encrypts every sealed value under the newest data key, in small steps while the system runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
from bot.platform.encryption import HEADER_BYTES, DamagedValueError, MissingKeyError
from bot.platform.models import Model
from bot.platform.models.sealed import Sealed, SealedJson, identity

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
    """How many rows hold a value that is not sealed under the key of this header, or not for its row."""
    return _count(session, header, 1)


def count_under_other_keys(session: Session, header: bytes) -> int:
    """How many rows hold a value that is not sealed under the key of this header, whether for its row or not."""
    return _count(session, header[1:], 2)


def _count(session: Session, begins: bytes, at: int) -> int:
    counts = [
        session.scalar(select(func.count()).select_from(one.table).where(_stale(one, begins, at)))
        for one in sealed_tables()
    ]
    return sum(count or 0 for count in counts)


@dataclass
class RotationPass:
    """One pass over all tables. damaged: values that do not open and were left as they are, by place and row."""

    renewed: int = 0
    damaged: list[str] = field(default_factory=list)


def rotate(store: Store, on_progress: Callable[[int], None]) -> RotationPass:
    """Make one pass over all tables; reports after each step how many rows it covered.

    Needs no stored state: what is left to do is what is sealed under another key, or not for its row, as earlier
    releases did. A value that is changed meanwhile was sealed anew by that change, or is left to the next pass. A
    damaged one stops nothing.
    """
    done = RotationPass()
    for one in sealed_tables():
        for count in _walk(store, one, done):
            on_progress(count)
    return done


def _walk(store: Store, one: SealedTable, done: RotationPass) -> Iterator[int]:
    after: tuple[Any, ...] | None = None
    while True:
        for attempt in range(_TRIES):
            try:
                step = RotationPass()
                with store.write() as session:
                    count, last = _step(session, store, one, after, step)
                break
            except OperationalError:  # a lock timeout, or a deadlock in which the database chose us
                if attempt == _TRIES - 1:
                    raise
        if last is None:
            return
        after = last
        done.renewed += step.renewed
        done.damaged += step.damaged
        yield count


def _step(
    session: Session, store: Store, one: SealedTable, after: tuple[Any, ...] | None, done: RotationPass
) -> tuple[int, tuple[Any, ...] | None]:
    keys = list(one.table.primary_key)
    query = select(*keys, *(_raw(column) for column in one.columns)).where(_stale(one, store.keys.row_header))
    if after is not None:
        query = query.where(tuple_(*keys) > tuple_(*(literal(value) for value in after)))
    rows = session.execute(query.order_by(*keys).limit(AT_ONCE)).all()
    found = [(row[: len(keys)], _renewed(store, one, row, done)) for row in rows]
    changes = [change for change in found if change[1]]
    done.renewed += len(changes)
    changes.sort(key=lambda change: sorted(change[1]))
    for names, alike in groupby(changes, key=lambda change: tuple(sorted(change[1]))):
        _write(session, one, names, [(key, values) for key, values in alike])
    return len(rows), tuple(rows[-1][: len(keys)]) if rows else None


def _renewed(store: Store, one: SealedTable, row: Any, done: RotationPass) -> dict[str, tuple[bytes, bytes]]:
    """By column: the old sealed value and the new one. Raises MissingKeyError where a key of the database is away."""
    found, keys = {}, len(one.table.primary_key)
    for column, value in zip(one.columns, row[keys:], strict=True):
        if value and value[:HEADER_BYTES] != store.keys.row_header:
            where, own = f"{one.table.name}.{column.name}".encode(), identity(row[:keys])
            plain = opened(store, value, where, own)
            if plain is None:
                done.damaged.append(f"{where.decode()} {'/'.join(map(str, row[:keys]))}")
            else:
                found[column.name] = value, store.keys.seal(plain, where, own)
    return found


def opened(store: Store, value: bytes, where: bytes, row: bytes) -> bytes | None:
    """A sealed value; None for a damaged one, or another row's, also where the damage is in the name of its key."""
    try:
        return store.keys.open(value, where, row)
    except DamagedValueError:
        return None
    except MissingKeyError:
        store.verify(again=True)  # raises it where the key is really missing
        return None


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


def _stale(one: SealedTable, begins: bytes, at: int = 1) -> ColumnElement[bool]:
    return or_(
        *(
            and_(
                func.length(_raw(column)) > 0,
                func.substr(_raw(column), at, len(begins), type_=LargeBinary) != literal(begins, LargeBinary),
            )
            for column in one.columns
        )
    )
