"""Rows whose column holds one of many values, asked for by one parameter."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import event, select

from bot.platform.database.among import among
from bot.platform.database.store import Store, read_json
from bot.platform.models import Customer, Message
from tests.support.archived import NOW
from tests.support.fresh import bring_up
from tests.support.parts import KEYS

ODD = ["wm'\"\\", "wm中文😀", "wm%_", "wm[1]", "wm{}", "wm"]


@pytest.fixture
def people(store: Store) -> Store:
    with store.write() as session:
        session.add_all(Customer(external_userid=one, created_at=NOW, activity=0, conversion=0) for one in ODD)
    return store


def test_finds_every_value_and_no_other(people: Store) -> None:
    with people.read() as session:
        for asked in ([], ODD[:1], ODD[1:4], [*ODD, "wmnobody"]):
            found = session.scalars(select(Customer.external_userid).where(among(Customer.external_userid, asked)))
            assert sorted(found) == sorted({*asked} - {"wmnobody"})
        ids = session.scalars(select(Customer.id).where(Customer.external_userid.in_(ODD[:3]))).all()
        rows = session.scalars(select(Customer).where(among(Customer.id, [*ids, 10**12])))
        assert sorted(row.external_userid for row in rows) == sorted(ODD[:3])


def test_any_number_of_values_is_one_parameter_and_one_text(people: Store) -> None:
    asked: list[str] = []
    event.listen(people.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    with people.read() as session:
        for count in (1, 2000):
            assert session.scalars(select(Customer.id).where(among(Customer.id, range(count)))).all() is not None
    texts = [text for text in asked if "customer" in text]
    assert len(texts) == 2
    assert len(set(texts)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":[1,"二"],"b":null}', {"a": [1, "二"], "b": None}),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("[-9223372036854775809]", [-9223372036854775809]),
        ("1e400", float("inf")),
        ('"2026-12-01T04:10:55.123456+00:00"', "2026-12-01T04:10:55.123456+00:00"),
    ],
)
def test_json_is_read_as_it_was_written(text: str, value: object) -> None:
    assert read_json(text) == value
    assert read_json(text.encode()) == value


def test_sqlite_looks_the_values_up_in_an_index(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'tici.db'}", KEYS)
    bring_up(store.engine)
    later = Message.seq > 0
    with store.read() as session:
        for column, more in ((Message.msgid, ()), (Message.revokes, ()), (Message.customer_id, (later,))):
            asked = select(Message.id).where(among(column, ["one"]), *more).compile(store.engine)
            given = ("[]", 0)[: 1 + len(more)]
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", given).all()
            assert "SEARCH message USING" in str(plan[0]), plan
    store.close()
