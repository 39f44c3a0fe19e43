"""New rows get their ids before they are inserted, where the database cannot tell them of many rows at once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Integer, event, func, inspect, select
from sqlalchemy.orm import Mapper, Session


def number_new_rows(session: Session) -> None:
    """Let this session number what it inserts.

    To learn the ids that SQLite gives, SQLAlchemy inserts row by row; rows that have theirs go in by one call. It
    is SQLite's own choice of id that is made here (the largest one and 1), and nobody else can make it meanwhile:
    whoever writes holds the database alone (BEGIN IMMEDIATE).
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
    """Whether the database would number the rows."""
    key = mapper.primary_key
    return len(key) == 1 and isinstance(key[0].type, Integer) and key[0].autoincrement in (True, "auto")
