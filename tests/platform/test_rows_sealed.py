"""A sealed value belongs to its row: put into another one it is damaged, however that row is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, type_coerce, update
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import aliased

from bot.ops.consistency import audit_sealed
from bot.ops.key_rotation import count_stale, rotate, sealed_tables
from bot.platform.database.store import Store, insert_new
from bot.platform.encryption import DamagedValueError
from bot.platform.models import Customer, CustomerField, Evidence, Message, Outbox
from bot.platform.models.sealed import DAMAGED, damage_tolerated
from bot.privacy.export import as_json, export
from tests.support.archived import WANG, ZHAO, Archived
from tests.support.rows import Rows

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
TABLE: Any = Message.__table__
_other: Any = aliased(Message)
READINGS: dict[str, Callable[[str], Any]] = {
    "as objects": lambda name: select(Message),
    "a column": lambda name: select(getattr(Message, name)),
    "a column under another name": lambda name: select(getattr(Message, name).label("said")),
    "of an alias": lambda name: select(getattr(_other, name)),
    "of the table": lambda name: select(TABLE),
    "beside another table": lambda name: select(Customer.id, getattr(Message, name)).join(
        Message, Message.customer_id == Customer.id
    ),
}


def swap(store: Store, column: Any, one: int, other: int) -> None:
    """The sealed values of two rows change places."""
    raw, table = type_coerce(column, LargeBinary), column.table
    with store.engine.begin() as connection:
        values: dict[int, bytes] = dict(connection.execute(select(table.c.id, raw)).all())
        for row, value in ((one, values[other]), (other, values[one])):
            changed = {column.name: type_coerce(value, LargeBinary)}
            connection.execute(update(table).where(table.c.id == row).values(changed))


@pytest.fixture
def talk(store: Store) -> Archived:
    archived = Archived(store)
    for at, (who, words) in enumerate(((WANG, "我想退款"), (ZHAO, "多少钱"))):
        archived.say(words, at, **{"from": who})
    return archived


def test_two_customers_swapped_words_are_damaged_however_they_are_read(talk: Archived) -> None:
    store = talk.store
    one, other = sorted(message.id for message in talk.rows(Message))
    assert audit_sealed(store) == []
    for name in ("text", "line", "raw"):
        swap(store, TABLE.c[name], one, other)
        (found,) = audit_sealed(store)
        assert (found.count, found.examples) == (2, [f"message.{name} {one}", f"message.{name} {other}"])
        for way, query in READINGS.items():
            with pytest.raises(DamagedValueError, match=rf"message\.{name}"), store.read() as session:
                pytest.fail(f"{way}: {session.execute(query(name)).all()}")
        with store.read() as session, damage_tolerated():
            assert {getattr(message, name) for message in session.scalars(select(Message))} == {DAMAGED}
            assert DAMAGED in as_json(export(session, WANG, NOW)).decode()
        swap(store, TABLE.c[name], one, other)
    assert audit_sealed(store) == []


def test_whatever_way_a_row_is_written_its_values_are_sealed_for_it(store: Store) -> None:
    with store.write() as session:
        rows = Rows(session, NOW)
        people = [rows.customer(name, agent=rows.agent()) for name in ("张三", "李四")]
        rows.evidence(rows.message(people[0], "多少钱"), [["多少钱", 0, 3]], "考虑价格", "命中 多少钱")
        session.add_all(CustomerField(customer_id=who.id, name="生日", value="5 月") for who in people)
        outbox = {"kind": "card", "created_at": NOW, "not_before": NOW, "payload": {"text": "您好"}}
        assert insert_new(session, Outbox, [{**outbox, "key": "a"}, {**outbox, "key": "b"}], ["key"]) == 2
        assert insert_new(session, Outbox, [{**outbox, "key": "b"}], ["key"]) == 0
    with store.write() as session:
        for customer in session.scalars(select(Customer)):
            customer.last_words = f"{customer.name}的话"
        first, second = session.scalars(select(Customer).order_by(Customer.id)).all()
        second.corp_name = first.name  # from one row into another
        for field in session.scalars(select(CustomerField)):
            field.value = "6 月"
    with store.read() as session:
        assert session.scalars(select(Customer.last_words).order_by(Customer.id)).all() == ["张三的话", "李四的话"]
        assert session.scalars(select(Customer.corp_name).order_by(Customer.id)).all() == ["", "张三"]
        assert session.scalars(select(CustomerField.value)).all() == ["6 月", "6 月"]
        assert session.scalars(select(Outbox.payload)).all() == [{"text": "您好"}] * 2
        assert session.scalars(select(Evidence.spans)).one() == [["多少钱", 0, 3]]
        assert count_stale(session, store.keys.row_header) == 0
    for column in (Customer.__table__.c.name, Customer.__table__.c.last_words, Outbox.__table__.c.payload):
        swap(store, column, 1, 2)
        assert audit_sealed(store)[0].count == 2
        swap(store, column, 1, 2)
    assert audit_sealed(store) == []


def test_words_that_come_without_their_row_are_not_written(store: Store) -> None:
    with pytest.raises(StatementError, match=r"customer\.name is sealed for its row"), store.write() as session:
        session.execute(update(Customer).values(name="张三"))


def test_values_of_earlier_releases_open_and_a_rotation_seals_them_for_their_row(talk: Archived) -> None:
    store = talk.store
    one, other = sorted(message.id for message in talk.rows(Message))
    with store.engine.begin() as connection:
        for row, words in ((one, "我想退款"), (other, "多少钱")):
            old = type_coerce(store.keys.seal(words.encode(), b"message.text"), LargeBinary)
            connection.execute(update(TABLE).where(TABLE.c.id == row).values({"text": old}))
    assert {message.text for message in talk.rows(Message)} == {"我想退款", "多少钱"}
    assert rotate(store, lambda _: None).renewed == 2
    assert {message.text for message in talk.rows(Message)} == {"我想退款", "多少钱"}
    swap(store, TABLE.c.text, one, other)
    assert audit_sealed(store)[0].count == 2


def test_every_row_with_sealed_values_has_a_key() -> None:
    assert [one.table.name for one in sealed_tables() if not list(one.table.primary_key)] == []
