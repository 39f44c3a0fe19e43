"""Numbers new rows before they are inserted, so that many go in by one statement and refer to one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from sqlalchemy import Integer, event, func, inspect, select
from sqlalchemy.orm import Mapper, Session

from bot.platform.database.id_marks import highest_id
from bot.platform.database.rows_sealed import give_sealed_defaults, sealed_in

_KEPT = "numbers given out"  # in Session.info
_AT_ONCE = "numbers at once"  # in Session.info


def next_id(session: Session, model: type[Any]) -> int:
    """The number of a row of this table that is about to be made in this session.

    On SQLite the one after the highest that was ever given, which no other writer can take meanwhile: BEGIN IMMEDIATE
    gives a writer the whole database. On PostgreSQL one of a block of the table's own sequence.
    """
    given: dict[str, Iterator[int]] = session.info.setdefault(_KEPT, {})
    table = _name(model)
    number = next(given[table], None) if table in given else None
    if number is None:
        given[table] = _numbers(session, model, table)
        number = next(given[table])
    return number


def expect_rows(session: Session, count: int) -> None:
    """Take so many numbers of a sequence at once; those left over stay gaps."""
    session.info[_AT_ONCE] = max(count, 1)


def gives_out(session: Session, model: type[Any]) -> bool:
    """Whether numbers of this table were given out in this session to rows that need not be inserted yet."""
    return _name(model) in session.info.get(_KEPT, {})


def number_new_rows(session: Session) -> None:
    """Have this session number the rows it inserts: those with sealed values, which are sealed for their row.

    On SQLite, which cannot return the ids of many rows at once, all of them: to learn the ids that it assigns,
    SQLAlchemy inserts row by row; rows that have ids go in by one statement.
    """
    event.listen(session, "before_flush", _number)


def is_numbered(mapper: Mapper[Any]) -> bool:
    """Whether the database assigns the ids of this table."""
    key = mapper.primary_key
    return len(key) == 1 and isinstance(key[0].type, Integer) and key[0].autoincrement in (True, "auto")


def _name(model: type[Any]) -> str:
    return str(model.__tablename__)


def _numbers(session: Session, model: type[Any], table: str) -> Iterator[int]:
    if session.get_bind().dialect.name == "sqlite":
        return count(highest_id(session.connection(), table) + 1)
    key = inspect(model).primary_key[0]
    sequence = func.nextval(func.pg_get_serial_sequence(table, key.name))
    block = select(sequence).select_from(func.generate_series(1, session.info.get(_AT_ONCE, 10)))
    return iter(session.connection().scalars(block).all())


def _number(session: Session, _context: Any, _instances: Any) -> None:
    fresh: dict[Mapper[Any], list[Any]] = defaultdict(list)
    for row in session.new:
        fresh[inspect(row).mapper].append(row)
    number_rows = _number_rows if session.get_bind().dialect.name == "sqlite" else _number_by_sequence
    for mapper, rows in fresh.items():
        if sealed_in(mapper.local_table):
            for row in rows:
                give_sealed_defaults(mapper, row)
        if is_numbered(mapper):
            number_rows(session, mapper, rows)


def _number_by_sequence(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    """On PostgreSQL: the rows that hold sealed values; the others get their ids as they are inserted."""
    name = mapper.get_property_by_column(mapper.primary_key[0]).key
    unnumbered = [row for row in rows if getattr(row, name) is None]
    if not unnumbered or not sealed_in(mapper.local_table):
        return
    with _at_once(session, len(unnumbered)):
        for row in sorted(unnumbered, key=lambda r: inspect(r).insert_order or 0):
            setattr(row, name, next_id(session, mapper.class_))


@contextmanager
def _at_once(session: Session, count: int) -> Iterator[None]:
    """Take no more numbers of a sequence than so many, unless more rows are expected."""
    expected = session.info.get(_AT_ONCE)
    session.info[_AT_ONCE] = max(count, expected or 0)
    try:
        yield
    finally:
        session.info.pop(_AT_ONCE)
        if expected is not None:
            session.info[_AT_ONCE] = expected


def _number_rows(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    """On SQLite."""
    if len(rows) == 1 and not gives_out(session, mapper.class_) and not sealed_in(mapper.local_table):
        return
    name = mapper.get_property_by_column(mapper.primary_key[0]).key
    taken = [number for row in rows if (number := getattr(row, name)) is not None]
    if taken:  # by whoever made the row; what is given out goes on beyond
        session.info.setdefault(_KEPT, {})[_name(mapper.class_)] = count(
            max(next_id(session, mapper.class_), max(taken) + 1)
        )
    for row in sorted(
        (row for row in rows if getattr(row, name) is None), key=lambda r: inspect(r).insert_order or 0
    ):
        setattr(row, name, next_id(session, mapper.class_))
