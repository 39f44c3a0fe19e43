"""The store on both databases: schema, time, leases, inserts that skip what exists."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import StatementError

from bot.ops.key_rotation import rotate
from bot.platform.database import key_check, schema
from bot.platform.database.store import (
    Store,
    canonical_json,
    database_now,
    get_status,
    insert_new,
    release_lease,
    set_status,
    still_held,
    take_lease,
)
from bot.platform.models import Customer, Lease, Outbox, Status, UtcDateTime
from tests.support.parts import KEYS

NOON = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
_FIRST_CUSTOMER = text(
    "INSERT INTO customer (external_userid, name, corp_name, last_words, created_at, last_word_at, activity,"
    " conversion) VALUES ('wm1', :name, :empty, :empty, :noon, :noon, 0, 7)"
).bindparams(bindparam("noon", type_=UtcDateTime()), empty=b"")


def test_migrations_and_models_agree_and_a_second_upgrade_is_harmless(database_url: str) -> None:
    store = Store(database_url, KEYS)
    assert schema.current_revision(store.engine) is None
    assert schema.upgrade(store.engine) == (None, schema.head_revision())
    assert schema.upgrade(store.engine) == (schema.head_revision(), schema.head_revision())
    assert schema.differences(store.engine) == []
    store.close()


def test_the_first_release_is_brought_to_this_one_with_what_it_holds(database_url: str) -> None:
    store = Store(database_url, KEYS)
    with store.engine.begin() as connection:
        schema.upgrade_on(connection, "0001")
        connection.execute(_FIRST_CUSTOMER, {"noon": NOON, "name": KEYS.seal("李女士".encode(), b"customer.name")})
    assert schema.upgrade(store.engine) == ("0001", schema.head_revision())
    assert schema.differences(store.engine) == []
    with store.read() as session:
        found = session.execute(select(Customer.last_word_at, Customer.conversion, Customer.name)).one()
        assert found == (NOON, 7, "李女士")
    assert rotate(store, lambda _: None).renewed == 1  # now it is sealed for its row
    assert rotate(store, lambda _: None).renewed == 0
    with store.read() as session:
        assert session.scalars(select(Customer.name)).one() == "李女士"
    store.close()


def test_an_instant_comes_back_as_it_went_in_whatever_zone_it_was_said_in(store: Store) -> None:
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    with store.write() as session:
        session.add(Customer(external_userid="wm1", created_at=shanghai, activity=0, conversion=0))
    with store.read() as session:
        found = session.scalars(select(Customer)).one().created_at
    assert found == NOON
    assert found.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(store: Store) -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a zone"), store.write() as session:
        session.add(Customer(external_userid="wm1", created_at=naive, activity=0, conversion=0))


def test_the_databases_clock_is_the_present(store: Store) -> None:
    with store.read() as session:
        assert abs(database_now(session) - datetime.now(UTC)) < timedelta(seconds=5)  # noqa: TID251


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as session:
            set_status(session, "x", {}, NOON)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as session:
        assert get_status(session, "x") is None


def test_what_is_there_already_is_passed_over(store: Store) -> None:
    rows: list[dict[str, Any]] = [{"name": name, "value": {}, "at": NOON} for name in ("a", "b")]
    with store.write() as session:
        insert_new(session, Status, rows, ["name"])
        insert_new(session, Status, [*rows, {"name": "c", "value": {}, "at": NOON}], ["name"])
        there = select(Status.name).where(Status.name != key_check.STATUS).order_by(Status.name)
        assert session.scalars(there).all() == ["a", "b", "c"]


def test_facts_are_replaced(store: Store) -> None:
    with store.write() as session:
        set_status(session, "x", {"n": 1}, NOON)
    with store.write() as session:
        set_status(session, "x", {"n": 2}, NOON)
    with store.read() as session:
        status = get_status(session, "x")
    assert status is not None
    assert status.value == {"n": 2}


def test_a_lease_is_held_by_one_until_it_is_given_back_or_runs_out(store: Store) -> None:
    with store.write() as session:
        first = take_lease(session, "pull", "a", 60)
    assert first is not None
    with store.write() as session:
        assert take_lease(session, "pull", "b", 60) is None
        renewed = take_lease(session, "pull", "a", 60)
        assert renewed == first, "renewing keeps the fence"
        release_lease(session, first)
    with store.write() as session:
        second = take_lease(session, "pull", "b", 60)
        assert second is not None
        assert second.fence > first.fence
        assert not still_held(session, first)
        assert still_held(session, second)


def test_a_lease_that_ran_out_goes_to_the_next_and_its_old_holder_is_fenced_off(store: Store) -> None:
    with store.write() as session:
        first = take_lease(session, "pull", "a", 60)
        session.get_one(Lease, "pull").until = NOON
    with store.write() as session:
        again = take_lease(session, "pull", "a", 60)
        assert first is not None
        assert again is not None
        assert again.fence > first.fence, "who let it run out cannot know what happened meanwhile"
        release_lease(session, first)
        assert still_held(session, again), "an outlived lease cannot be given back"


def test_of_many_who_reach_for_a_lease_at_once_one_gets_it(store: Store) -> None:
    got: list[str] = []
    gate = threading.Barrier(6)

    def reach(owner: str) -> None:
        gate.wait()
        with store.write() as session:
            if take_lease(session, "pull", owner, 60) is not None:
                got.append(owner)

    threads = [threading.Thread(target=reach, args=(str(number),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_reader_does_not_wait_for_a_writer(store: Store) -> None:
    with store.write() as writing:
        set_status(writing, "x", {}, NOON)
        writing.flush()
        with store.read() as reading:
            assert get_status(reading, "x") is None


@pytest.mark.parametrize("value", [{"b": 1, "aa": {"d": "中文", "c": [1, {"z": 0, "y": 0}]}}, {}])
def test_json_has_one_form_and_survives_both_databases(store: Store, value: dict[str, object]) -> None:
    with store.write() as session:
        session.add(Outbox(key="k", kind="card", payload=value, created_at=NOON, not_before=NOON))
    with store.read() as session:
        found = session.scalars(select(Outbox)).one().payload
    assert canonical_json(found) == canonical_json(value)
    assert "中文" in canonical_json({"a": "中文"})
