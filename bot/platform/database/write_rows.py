"""Writes what a session made and changed by one statement per table and kind of change, for any number of rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.orm.attributes import instance_state

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
        state = instance_state(row)
        before, now = state.committed_state, state.dict
        names = tuple(sorted([n for n, value in before.items() if n in columns and value != now.get(n)]))
        if names:
            groups[names].append(now)
    for names, changed in groups.items():
        keys = [values[key] for values in changed]
        new = {columns[name].name: [values[name] for values in changed] for name in names}
        update_columns(session.connection(), _table(mapper), keys, new)
    _forget_changes(session, rows)


def _insert(session: Session, mapper: Mapper[Any], rows: list[Any]) -> None:
    states = sorted((instance_state(row) for row in rows), key=lambda state: state.insert_order or 0)
    given = [state.dict for state in states]
    columns = {
        attribute.columns[0].name: [_value(session, mapper, attribute, one) for one in given]
        for attribute in mapper.column_attrs
    }
    insert_columns(session.connection(), _table(mapper), columns)
    session._register_persistent(
        set(states)
    )  # as a flush does: to expunge and add them once more costs more than they


def _value(session: Session, mapper: Mapper[Any], attribute: Any, given: dict[str, Any]) -> Any:
    """A new row's value of a column; the number or the default that it was not given is set on it too."""
    value = given.get(attribute.key)
    if value is None:
        column = attribute.columns[0]
        is_number = column.primary_key and is_numbered(mapper)
        value = next_id(session, mapper.class_) if is_number else value_of_default(column)
        given[attribute.key] = value
    return value


def _table(mapper: Mapper[Any]) -> Table:
    return Model.metadata.tables[mapper.class_.__tablename__]


def _forget_changes(session: Session, rows: Iterable[Any]) -> None:
    """Else a flush compares every row once more."""
    states = [instance_state(row) for row in rows]
    InstanceState._commit_all_states(((state, state.dict) for state in states), session.identity_map)
