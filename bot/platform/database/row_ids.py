"""Row ids: numbers new rows on SQLite before they are inserted, and keeps ids from returning on both databases.

A sequence of PostgreSQL never goes back; SQLite's table `sqlite_sequence` keeps the highest id that was given
(AUTOINCREMENT). A restore makes both anew and calls `raise_row_ids`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, column, event, func, insert, inspect, select, table, text, update
from sqlalchemy.orm import Mapper, Session

from bot.platform.models import Model

_SEQUENCES = table("sqlite_sequence", column("name"), column("seq"))


def number_new_rows(session: Session) -> None:
    """Have this session number the rows it inserts.

    To learn the ids that SQLite assigns, SQLAlchemy inserts row by row; rows that have ids go in by one statement.
    The ids are those SQLite would choose, and no other writer can take them meanwhile: BEGIN IMMEDIATE gives a writer
    the whole database.
    """
    event.listen(session, "before_flush", _number)


def row_id_marks(connection: Connection) -> dict[str, int]:
    """By table, the highest id that was ever given, as far as the database knows."""
    present = set(inspect(connection).get_table_names())
    mark = _mark_on_sqlite if connection.dialect.name == "sqlite" else _mark_on_postgresql
    return {one.name: mark(connection, one) for one in numbered_tables() if one.name in present}


def raise_row_ids(connection: Connection, known: Mapping[str, int], ahead: int) -> None:
    """Let the ids of every table go on above its known mark, and at least so many `ahead` of where they are."""
    for name, mark in row_id_marks(connection).items():
        highest = max(mark + ahead, known.get(name, 0))
        if connection.dialect.name == "sqlite":
            _raise_on_sqlite(connection, name, highest)
        else:
            sequence = func.pg_get_serial_sequence(name, "id")
            connection.execute(select(func.setval(sequence, highest + 1, False)))


def numbered_tables() -> list[Table]:
    """The tables whose ids the database assigns, parents first."""
    return [one for one in Model.metadata.sorted_tables if one.autoincrement_column is not None]


def _mark_on_sqlite(connection: Connection, of: Table) -> int:
    largest: int = connection.scalar(select(func.coalesce(func.max(of.c.id), 0))) or 0
    if not connection.scalar(text("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'")):
        return largest  # a database of before 0003
    return max(largest, connection.scalar(select(_SEQUENCES.c.seq).where(_SEQUENCES.c.name == of.name)) or 0)


def _mark_on_postgresql(connection: Connection, of: Table) -> int:
    sequence = connection.scalar(select(func.pg_get_serial_sequence(of.name, "id")))
    last, called = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - its own name
    return int(last) if called else int(last) - 1


def _raise_on_sqlite(connection: Connection, name: str, highest: int) -> None:
    mine = _SEQUENCES.c.name == name
    if connection.scalar(select(_SEQUENCES.c.seq).where(mine)) is None:
        connection.execute(insert(_SEQUENCES).values(name=name, seq=highest))
    connection.execute(update(_SEQUENCES).where(mine).values(seq=highest))


def _number(session: Session, _context: Any, _instances: Any) -> None:
    fresh: dict[Mapper[Any], list[Any]] = defaultdict(list)
    for row in session.new:
        fresh[inspect(row).mapper].append(row)
    for mapper, rows in fresh.items():
        of = mapper.local_table
        if len(rows) > 1 and isinstance(of, Table) and of.autoincrement_column is not None:
            name = mapper.get_property_by_column(of.autoincrement_column).key
            given = [number for row in rows if (number := getattr(row, name)) is not None]
            mine = _SEQUENCES.c.name == of.name
            highest = session.connection().scalar(select(_SEQUENCES.c.seq).where(mine)) or 0
            unnumbered = [row for row in rows if getattr(row, name) is None]
            start = max(highest, *given, 0) + 1
            for number, row in enumerate(sorted(unnumbered, key=lambda r: inspect(r).insert_order or 0), start):
                setattr(row, name, number)
