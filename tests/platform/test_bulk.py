"""Rows written many at once: of every type, on both databases, and refused as a single statement is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from psycopg import adapters
from sqlalchemy import select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import IntegrityError

from bot.platform.database.bulk import insert_columns, update_columns
from bot.platform.database.bulk_postgresql import copy_into
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Follow, Model
from tests.support.archived import NOW

FOLLOW, AGENT, CUSTOMER = (Model.metadata.tables[one.__tablename__] for one in (Follow, Agent, Customer))
ELSEWHERE = datetime(2026, 12, 1, 12, 0, 0, 5, timezone(timedelta(hours=8)))


def people(store: Store, count: int) -> None:
    with store.write() as session:
        session.add(Agent(id=1, key="a", userid="A", created_at=NOW))
        session.add_all(
            Customer(id=n, external_userid=f"wm{n}", created_at=NOW, activity=0, conversion=0) for n in range(count)
        )


def follows(count: int, **columns: Any) -> dict[str, list[Any]]:
    given = {"agent_id": 1, "remark": "", "description": "", "remark_mobiles": [], "remark_corp_name": "",
             "channel": None, "added_at": NOW, "marked": {}, "marking": {}, "tags": [], "marks": 0, "clock": {},
             "waiting_told": {}, "shown": {}} | columns  # fmt: skip
    ids = list(range(count))
    return {"id": ids, "customer_id": ids, **{name: [value] * count for name, value in given.items()}}


def test_every_kind_of_value_comes_back(store: Store) -> None:
    people(store, 3)
    odd: dict[str, Any] = {"remark": "王\t\\N\n'\"", "remark_mobiles": ["138", "二"], "channel": "a\tb\\n",
                           "tags": ["甲", 1, None], "clock": {"first": ["x", "y"]}}  # fmt: skip
    with store.write() as session:
        insert_columns(session.connection(), FOLLOW, follows(3, **odd))
    with store.write() as session:
        changes: dict[str, list[Any]] = {
            "last_talk_at": [ELSEWHERE, None],
            "clock": [{"二": [2]}, {}],
            "remark": ["李", ""],
            "channel": [None, "门店"],
            "marks": [2**31 - 1, 0],
        }
        update_columns(session.connection(), FOLLOW, [0, 2], changes)
    with store.read() as session:
        first, same, third = session.scalars(select(Follow).order_by(Follow.id)).all()
        assert {name: getattr(same, name) for name in odd} == odd
        assert (first.last_talk_at, first.clock, first.remark) == (ELSEWHERE.astimezone(UTC), {"二": [2]}, "李")
        assert (first.channel, first.marks, first.remark_mobiles) == (None, 2**31 - 1, ["138", "二"])
        assert (third.last_talk_at, third.clock, third.remark, third.channel) == (None, {}, "", "门店")


def test_a_column_of_nothing_is_written(store: Store) -> None:
    people(store, 2)
    with store.write() as session:
        insert_columns(session.connection(), FOLLOW, follows(2, last_talk_at=NOW, add_way=3))
        update_columns(session.connection(), FOLLOW, [0, 1], {"last_talk_at": [None] * 2, "add_way": [None] * 2})
    with store.read() as session:
        found = session.execute(select(Follow.last_talk_at, Follow.add_way)).all()
    assert [tuple(row) for row in found] == [(None, None)] * 2


def test_a_row_that_is_there_is_refused_and_nothing_of_the_rest_stays(store: Store) -> None:
    people(store, 2)
    with store.write() as session:
        insert_columns(session.connection(), FOLLOW, follows(1))
    with pytest.raises(IntegrityError), store.write() as session:
        insert_columns(session.connection(), FOLLOW, follows(2))
    with store.read() as session:
        assert len(session.scalars(select(Follow.id)).all()) == 1


def test_postgresql_knows_the_type_of_every_column() -> None:
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    for table in Model.metadata.tables.values():
        for kind in copy_into(table, tuple(one.name for one in table.columns), dialect).kinds:
            assert adapters.types.get(kind) is not None, f"{table.name}: {kind}"
