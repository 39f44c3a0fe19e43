"""Row ids: never given twice, on either database, whichever way rows come in and go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import MetaData, delete, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.database.id_marks import numbered_tables, raise_row_ids, row_id_marks
from bot.platform.database.schema import differences, upgrade, upgrade_on
from bot.platform.database.store import Store, insert_new
from bot.platform.models import Agent, Customer, SopTask
from tests.support.parts import KEYS
from tests.support.rows import Rows

OLD = "0002"  # the revision of databases in use before ids were kept from returning


def one(session: Session, name: str) -> None:
    session.add(Agent(key=name, userid=name, created_at=clock.now()))


def several(session: Session, name: str) -> None:
    session.add_all(Agent(key=f"{name}{n}", userid=name, created_at=clock.now()) for n in range(3))


def by_statement(session: Session, name: str) -> None:
    row = {"key": name, "userid": name, "created_at": clock.now()}
    insert_new(session, Agent, [row, {**row, "key": f"{name}-2"}], ["key"])


WAYS: tuple[Callable[[Session, str], None], ...] = (one, several, by_statement)


@pytest.mark.parametrize("after", WAYS)
@pytest.mark.parametrize("before", WAYS)
def test_an_id_never_returns(
    store: Store, before: Callable[[Session, str], None], after: Callable[[Session, str], None]
) -> None:
    with store.write() as session:
        before(session, "before")
    with store.write() as session:
        gone = set(session.scalars(select(Agent.id)))
        session.execute(delete(Agent))
    with store.write() as session:
        after(session, "after")
    with store.read() as session:
        assert min(session.scalars(select(Agent.id))) > max(gone)


def test_ids_do_not_return_within_one_piece_of_work(store: Store) -> None:
    with store.write() as session:
        one(session, "a")
        session.flush()
        gone = session.scalars(select(Agent.id)).one()
        session.execute(delete(Agent))
        several(session, "b")
        session.flush()
        assert min(session.scalars(select(Agent.id))) > gone


def test_every_table_that_is_numbered_remembers_its_highest_id(store: Store) -> None:
    numbered = {table.name for table in numbered_tables()}
    assert {"customer", "sop_task", "outbox", "view_entry", "callback_event"} <= numbered
    with store.engine.begin() as connection:
        raise_row_ids(connection, {}, 1000)
        assert set(row_id_marks(connection)) == numbered
        assert min(row_id_marks(connection).values()) >= 1000
        if connection.dialect.name == "sqlite":
            kept = select(text("name")).select_from(text("sqlite_master")).where(text("sql LIKE '%AUTOINCREMENT%'"))
            assert set(connection.scalars(kept)) == numbered
    with store.write() as session:
        several(session, "late")
        one(session, "later")
        session.flush()
        assert min(session.scalars(select(Agent.id))) > 1000


def test_raising_ids_never_lowers_them(store: Store) -> None:
    with store.engine.begin() as connection:
        raise_row_ids(connection, {"agent": 5000}, 10)
        raise_row_ids(connection, {}, 20)
        assert row_id_marks(connection)["agent"] >= 5000
    with store.write() as session:
        one(session, "late")
        session.flush()
        assert session.scalars(select(Agent.id)).one() > 5000


def test_a_database_in_use_keeps_its_rows_and_what_is_out_there(database_url: str) -> None:
    store, now = Store(database_url, KEYS), clock.now()
    with store.engine.begin() as connection:
        upgrade_on(connection, OLD)
        old = MetaData()
        old.reflect(connection)
        tables = old.tables
        who = {"key": "lin", "userid": "Lin", "name": "", "departments": [], "leads": [], "leaders": [],
               "position": "", "created_at": now}  # fmt: skip
        connection.execute(insert(Agent), {"id": 4, **who})
        whom = {"external_userid": "wm1", "name": "甲", "corp_name": "", "created_at": now, "last_words": "",
                "activity": 0, "conversion": 0}  # fmt: skip
        connection.execute(insert(Customer), {"id": 7, **whom})
        on = {"customer_id": 7, "agent_id": 4, "sop_id": "hello", "cause": "x", "stop": [], "version": "v"}
        connection.execute(
            tables["sop_enrolment"].insert(),
            {"id": 3, **on, "stop": "[]" if store.engine.dialect.name == "sqlite" else [],
             "enrolled_at": now.replace(tzinfo=None)},
        )  # fmt: skip
        columns = ", ".join(
            column.name for column in tables["sop_task"].columns if not column.nullable and column.name != "id"
        )
        values = {"enrolment_id": "3", "customer_id": "7", "agent_id": "4", "state": "'delivered'", "wording": "'w'",
                  "step": "0", "due_at": "'2026-11-01'", "expires_at": "'2026-12-01'", "why": "''", "variant": "0",
                  "text": "''", "prompts": "1", "anytime": "false", "priority": "5", "window_seconds": "9",
                  "channel": "'card'"}  # fmt: skip
        chosen = ", ".join(values.get(name.strip(), "'[]'") for name in columns.split(","))
        connection.execute(text(f"INSERT INTO sop_task (id, {columns}) VALUES (17, {chosen})"))
        connection.execute(text("INSERT INTO view_entry (id, at, actor, customer_id, page) "
                                "VALUES (1, '2026-11-01', 'Lin', 40, 'customer')"))  # fmt: skip
    upgrade(store.engine)
    assert differences(store.engine) == []
    with store.write() as session:
        assert session.scalars(select(SopTask.ref)).one() == "17"
        assert session.scalars(select(Customer.name)).one() == "甲"
        fresh = Rows(session, now).customer("乙", stage=None)
        assert fresh.id > 40, "readings of customers who were erased name ids up to 40"
        task = Rows(session, now).task(fresh, session.get_one(Agent, 4), "您好")
        if store.engine.dialect.name == "sqlite":  # on PostgreSQL the row of this test did not move the sequence
            assert task.id > 17
        assert not task.ref.isdigit()
    with store.engine.connect() as connection:
        indexes = {index["name"] for index in inspect(connection).get_indexes("sop_task")}
        assert {"ix_sop_task_due", "uq_sop_task_ref"} <= indexes
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
            assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    store.close()


def test_refs_are_never_equal(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, clock.now() - timedelta(days=1))
        agent = rows.agent()
        for _ in range(20):
            rows.task(rows.customer(agent=agent), agent, "您好", steps=5)
        refs = session.scalars(select(SopTask.ref)).all()
        assert len(set(refs)) == len(refs) == session.scalar(select(func.count()).select_from(SopTask)) == 100
