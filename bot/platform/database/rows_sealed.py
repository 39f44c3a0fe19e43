"""Rows sealed: tells each sealed value that is written which row it is for, so that it opens in no other.

Whatever way a row is written, its parameters pass here, on their way to the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Engine, Insert, Table, Update, bindparam, event, inspect, update
from sqlalchemy.orm import Mapper, Session

from bot.platform.models import Model
from bot.platform.models.sealed import OfRow, Sealed, SealedJson, identity


def bind_to_rows(engine: Engine) -> None:
    """Have everything that is written through this engine be sealed for its row."""
    event.listen(engine, "before_execute", _before, retval=True)


@cache
def sealed_in(table: Table) -> tuple[str, ...]:
    """The sealed columns of a table."""
    return tuple(column.name for column in table.columns if isinstance(column.type, Sealed | SealedJson))


def for_row(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a new row whose key is among them, with those defaults that are sealed as well."""
    key = [values.get(one.name) for one in table.primary_key]
    if None in key:
        return dict(values)
    absent = {name: value_of_default(table.c[name]) for name in sealed_in(table) if name not in values}
    return sealed_values(table, {**values, **absent}, key)


def sealed_values(table: Table, values: Mapping[str, Any], key: Iterable[Any]) -> dict[str, Any]:
    """The values of a row, by column, the sealed ones bound to its key."""
    names, row = sealed_in(table), identity(key)
    return {name: of_row(value, row) if name in names else value for name, value in values.items()}


def of_row(value: Any, row: bytes) -> Any:
    """The value, bound to its row unless it is already or there is none."""
    return value if value is None or isinstance(value, OfRow) else OfRow(value, row)


def update_rows(session: Session, model: type[Model], ids: Sequence[int], values: Mapping[str, Any]) -> None:
    """Set the same values in each of these rows, by one statement."""
    table = Model.metadata.tables[model.__tablename__]
    statement = update(table).where(table.c.id == bindparam("row_key"))
    statement = statement.values({name: bindparam(f"new_{name}") for name in values})
    rows = [{"row_key": one, **_renamed(sealed_values(table, values, [one]))} for one in ids]
    if rows:
        session.flush()
        session.connection().execute(statement, rows)


def value_of_default(column: Any) -> Any:
    """What a column holds that was given no value."""
    if column.default is None:
        return None
    return column.default.arg if column.default.is_scalar else column.default.arg(None)


def give_sealed_defaults(mapper: Mapper[Any], row: Any) -> None:
    """Have a new object hold the defaults of its sealed columns, which the database layer would add too late."""
    given = inspect(row).dict
    for name in sealed_in(mapper.local_table):
        column = mapper.local_table.c[name]
        if (key := mapper.get_property_by_column(column).key) not in given:
            setattr(row, key, value_of_default(column))


def _before(_connection: Any, statement: Any, many: Any, one: Any, _options: Any) -> tuple[Any, Any, Any]:
    prepare = _preparer(statement)
    if prepare is None:
        return statement, many, one
    return statement, [prepare(values) for values in many], prepare(one) if one else one


def _preparer(statement: Any) -> Callable[[Mapping[str, Any]], Mapping[str, Any]] | None:
    """What makes the parameters of this statement ready; None where there is nothing to do."""
    table = statement.table if isinstance(statement, Insert | Update) else None
    if not isinstance(table, Table) or not sealed_in(table):
        return None
    if isinstance(statement, Insert):
        return lambda values: for_row(table, values)
    return lambda values: _for_changed(table, values)


def _for_changed(table: Table, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """As a flush changes rows: the key stands among the parameters as table_column."""
    key = [values.get(f"{table.name}_{one.name}") for one in table.primary_key]
    return values if None in key else sealed_values(table, values, key)


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}
