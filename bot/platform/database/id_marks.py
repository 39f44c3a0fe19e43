"""Id marks: the highest id that each table ever gave, so that none returns, be it after an erasure or a restore.

A sequence of PostgreSQL never goes back; SQLite's table `sqlite_sequence` keeps the highest id that was given
(AUTOINCREMENT). A restore makes both anew and calls `raise_row_ids`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Table, column, func, insert, inspect, select, table, text, update

from bot.platform.models import Model

_SEQUENCES = table("sqlite_sequence", column("name"), column("seq"))


def row_id_marks(connection: Connection) -> dict[str, int]:
    """By table, the highest id that was ever given, as far as the database knows."""
    present = set(inspect(connection).get_table_names())
    mark = _mark_on_sqlite if connection.dialect.name == "sqlite" else _mark_on_postgresql
    return {one.name: mark(connection, one) for one in numbered_tables() if one.name in present}


def highest_id(connection: Connection, table_name: str) -> int:
    """The highest id that a table of SQLite ever gave."""
    return connection.scalar(select(_SEQUENCES.c.seq).where(_SEQUENCES.c.name == table_name)) or 0


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
    return max(largest, highest_id(connection, of.name))


def _mark_on_postgresql(connection: Connection, of: Table) -> int:
    sequence = connection.scalar(select(func.pg_get_serial_sequence(of.name, "id")))
    last, called = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608 - its own name
    return int(last) if called else int(last) - 1


def _raise_on_sqlite(connection: Connection, name: str, highest: int) -> None:
    mine = _SEQUENCES.c.name == name
    if connection.scalar(select(_SEQUENCES.c.seq).where(mine)) is None:
        connection.execute(insert(_SEQUENCES).values(name=name, seq=highest))
    connection.execute(update(_SEQUENCES).where(mine).values(seq=highest))
