"""Numbers new rows before they are inserted, so that many go in by one statement and refer to one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from typing import Any

from sqlalchemy import Integer, event, func, inspect, select
from sqlalchemy.orm import Mapper, Session

from bot.platform.database.id_marks import highest_id

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
    """Have this session number the rows it inserts, on SQLite, which cannot return the ids of many rows at once.

    To learn the ids that SQLite assigns, SQLAlchemy inserts row by row; rows that have ids go in by one statement.
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
    for mapper, rows in fresh.items():
        if is_numbered(mapper) and (len(rows) > 1 or gives_out(session, mapper.class_)):
            _number_rows(session, mapper, rows)


def _number_rows(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    name = mapper.get_property_by_column(mapper.primary_key[0]).key
    taken = {number for row in rows if (number := getattr(row, name)) is not None}
    unnumbered = [row for row in rows if getattr(row, name) is None]
    number = next_id(session, mapper.class_)
    if number <= (largest := max(taken, default=0)):
        session.info[_KEPT][_name(mapper.class_)] = count(largest + 1)
        number = next_id(session, mapper.class_)
    for row in sorted(unnumbered, key=lambda r: inspect(r).insert_order or 0):
        setattr(row, name, number)
        number = next_id(session, mapper.class_)
