"""Numbers new rows before they are inserted, on SQLite, which cannot return the ids of many rows at once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Integer, event, func, inspect, select
from sqlalchemy.orm import Mapper, Session


def number_new_rows(session: Session) -> None:
    """Have this session number the rows it inserts.

    To learn the ids that SQLite assigns, SQLAlchemy inserts row by row; rows that have ids go in by one statement.
    The ids are those SQLite would choose (the largest plus 1), and no other writer can take them meanwhile: BEGIN
    IMMEDIATE gives a writer the whole database.
    """
    event.listen(session, "before_flush", _number)


def _number(session: Session, _context: Any, _instances: Any) -> None:
    fresh: dict[Mapper[Any], list[Any]] = defaultdict(list)
    for row in session.new:
        fresh[inspect(row).mapper].append(row)
    for mapper, rows in fresh.items():
        if len(rows) > 1 and _is_numbered(mapper):
            key = mapper.primary_key[0]
            name = mapper.get_property_by_column(key).key
            given = [number for row in rows if (number := getattr(row, name)) is not None]
            largest = max(session.connection().scalar(select(func.max(key))) or 0, *given, 0)
            unnumbered = [row for row in rows if getattr(row, name) is None]
            for number, row in enumerate(sorted(unnumbered, key=lambda r: inspect(r).insert_order or 0), largest + 1):
                setattr(row, name, number)


def _is_numbered(mapper: Mapper[Any]) -> bool:
    """Whether the database assigns the ids of this table."""
    key = mapper.primary_key
    return len(key) == 1 and isinstance(key[0].type, Integer) and key[0].autoincrement in (True, "auto")
