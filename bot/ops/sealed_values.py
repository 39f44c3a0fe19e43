"""Sealed values: opens every one of them and names those that do not open."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from bot.ops.key_rotation import SealedTable, opened, sealed_tables
from bot.platform.database.store import Store
from bot.platform.models.sealed import identity

NAME, SAYS = "sealed-opens", "每个加密的值都打得开"
_AT_ONCE = 500


def unopened(session: Session, store: Store) -> Iterator[str]:
    """Each value that does not open: its table, column and row. Reads all that is sealed."""
    for one in sealed_tables():
        yield from _unopened_of(session, store, one)


def _unopened_of(session: Session, store: Store, one: SealedTable) -> Iterator[str]:
    primary = list(one.table.primary_key)
    raw = [type_coerce(column, LargeBinary) for column in one.columns]
    rows = session.execute(select(*primary, *raw).order_by(*primary).execution_options(yield_per=_AT_ONCE))
    for row in rows:
        own = identity(row[: len(primary)])
        for column, value in zip(one.columns, row[len(primary) :], strict=True):
            where = f"{one.table.name}.{column.name}"
            if value and opened(store, bytes(value), where.encode(), own) is None:
                yield f"{where} {own.decode()}"
