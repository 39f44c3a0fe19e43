"""Writes what a session made and changed by one statement per table and kind of change, for any number of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import Mapper, Session, make_transient_to_detached

from bot.platform.database.bulk import insert_columns, update_columns
from bot.platform.database.row_ids import is_numbered, next_id
from bot.platform.database.rows_sealed import value_of_default
from bot.platform.models import (
    Customer,
    Evidence,
    Follow,
    Message,
    Model,
    OpenQuestion,
    Outbox,
    Placement,
    Promise,
    ScoreEntry,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
    ToldFact,
    WordingOffer,
)

# In the order of what refers to what. Changes go first: a tag ends before it is given again.
_TABLES: tuple[type[Model], ...] = (
    Customer, Follow, Message, SopEnrolment, SopTask, Evidence, Tagging, ToldFact, Promise, OpenQuestion,
    Placement, StageMove, ScoreEntry, WordingOffer, Outbox,
)  # fmt: skip


def write_rows(session: Session) -> None:
    """Write all that is pending; the rows stay in the session, and a commit finds nothing more to do for them.

    Of these tables only columns set by value are written: what refers to a new row must bear its number already.
    """
    _update_changed(session)
    fresh = _by_model(session.new)
    for model in _TABLES:
        if model in fresh:
            _insert(session, inspect(model), fresh[model])
    session.flush()  # what is of other tables


def _update_changed(session: Session) -> None:
    changed = _by_model(session.dirty)
    for model in _TABLES:
        if model in changed:
            _update(session, inspect(model), changed[model])


def _by_model(rows: Iterable[Any]) -> Mapping[type[Model], list[Any]]:
    found: dict[type[Model], list[Any]] = defaultdict(list)
    for row in rows:
        found[type(row)].append(row)
    return found


def _update(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    """By primary key, one statement for all rows of which the same columns changed: others are left to others."""
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    groups: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    key = mapper.get_property_by_column(mapper.primary_key[0]).key
    for row in rows:
        state = inspect(row)
        before = state.committed_state
        names = tuple(sorted(n for n in before if n in columns and before[n] != state.dict.get(n)))
        if names:
            groups[names].append(state.dict)
    for names, changed in groups.items():
        keys = [values[key] for values in changed]
        new = {columns[name].name: [values[name] for values in changed] for name in names}
        update_columns(session.connection(), _table(mapper), keys, new)
    for row in rows:
        _forget_changes(session, row)


def _insert(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    rows = sorted(rows, key=lambda row: inspect(row).insert_order or 0)
    values = [_values(session, mapper, row) for row in rows]
    columns = {name: [one[name] for one in values] for name in values[0]}
    insert_columns(session.connection(), _table(mapper), columns)
    for row in rows:
        session.expunge(row)
        make_transient_to_detached(row)
    session.add_all(rows)


def _values(session: Session, mapper: Mapper[Any], row: Any) -> dict[str, Any]:
    """All columns of a new row, with the number and the defaults it was not given; these are set on it too."""
    given, values = inspect(row).dict, {}
    for attribute in mapper.column_attrs:
        column, name = attribute.columns[0], attribute.key
        if given.get(name) is None:
            value = value_of_default(column)
            if column.primary_key and is_numbered(mapper):
                value = next_id(session, mapper.class_)
            setattr(row, name, value)
        values[column.name] = given[name]
    return values


def _table(mapper: Mapper[Any]) -> Table:
    return Model.metadata.tables[mapper.class_.__tablename__]


def _forget_changes(session: Session, row: Any) -> None:
    state = inspect(row)
    state._commit_all(state.dict, session.identity_map)  # else a flush compares every row once more
