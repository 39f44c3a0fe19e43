"""A new data key takes over every sealed value, beside writers that go on, and after a kill where it stopped."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, select, text, type_coerce, update

from bot.ops.consistency import audit_sealed
from bot.ops.key_rotation import count_stale, rotate, sealed_tables
from bot.platform.database.store import Store
from bot.platform.encryption import DamagedValueError, DataKeyError, DataKeys, MissingKeyError, open_data_keys
from bot.platform.models import AuditEntry, Customer, Message
from bot.platform.models.sealed import DAMAGED, damage_tolerated
from tests.support.fresh import bring_up
from tests.support.parts import KEYS
from tests.support.rows import Rows

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
MESSAGES = 450
_KILLED = """
import os, signal, sys
from pathlib import Path
from bot.platform.encryption import open_data_keys
from bot.ops.key_rotation import rotate
from bot.platform.database.store import Store
store = Store(sys.argv[1], open_data_keys(None, Path(sys.argv[2]), lambda: False))
seen = []
def done(count):
    seen.append(count)
    if sum(seen) > 200:
        os.kill(os.getpid(), signal.SIGKILL)
rotate(store, done)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.keys"


@pytest.fixture
def filled(database_url: str, path: Path) -> Store:
    store = Store(database_url, open_data_keys(None, path, lambda: True))
    bring_up(store.engine)
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent()
        customer = rows.customer("欧阳测试", agent=agent, avatar=None)
        for number in range(MESSAGES):
            message = rows.message(customer, f"第 {number} 句")
        rows.evidence(message, [["句", 2, 3]], "考虑价格", "命中 句")
    return store


def test_a_rotation_leaves_nothing_under_the_old_key(filled: Store) -> None:
    old = filled.keys.row_header
    filled.keys.add_key()
    with filled.read() as session:
        total = count_stale(session, filled.keys.row_header)
    steps: list[int] = []
    assert rotate(filled, steps.append).renewed == sum(steps) == total > MESSAGES
    assert rotate(filled, steps.append).renewed == 0
    with filled.read() as session:
        assert (count_stale(session, filled.keys.row_header), count_stale(session, old)) == (0, total)
        said = {message.text for message in session.scalars(select(Message))}
        assert said == {f"第 {number} 句" for number in range(MESSAGES)}
        assert session.scalars(select(Customer.name)).one() == "欧阳测试"
    filled.close()


def test_killed_half_way_it_goes_on_where_it_was(filled: Store, path: Path) -> None:
    filled.keys.add_key()
    command = [sys.executable, "-c", _KILLED, filled.url, str(path)]
    assert subprocess.run(command, timeout=60).returncode == -9
    with filled.read() as session:
        left = count_stale(session, filled.keys.row_header)
        assert 0 < left < MESSAGES
        assert len({message.text for message in session.scalars(select(Message))}) == MESSAGES
    assert rotate(filled, lambda _: None).renewed == left
    filled.close()


def test_what_others_write_meanwhile_stays(filled: Store) -> None:
    filled.keys.add_key()

    def somebody_writes(_count: int) -> None:
        with filled.write() as session:
            session.execute(select(Customer)).scalar_one().last_words = "新的话"

    rotate(filled, somebody_writes)
    rotate(filled, lambda _: None)
    with filled.read() as session:
        assert session.scalars(select(Customer.last_words)).one() == "新的话"
        assert count_stale(session, filled.keys.row_header) == 0
    filled.close()


def test_without_the_old_key_nothing_is_changed(filled: Store) -> None:
    stranger = Store(filled.url, DataKeys(KEYS.text))
    with pytest.raises(DataKeyError, match="没有这把密钥"):
        rotate(stranger, lambda _: None)
    stranger.close()
    with filled.read() as session:
        assert session.scalars(select(Customer.name)).one() == "欧阳测试"
    filled.close()


def test_every_table_with_sealed_columns_is_taken_along(store: Store) -> None:
    assert {"customer_field", "message", "outbox", "note"} <= {one.table.name for one in sealed_tables()}
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == 0
        assert session.scalar(text("SELECT 1")) == 1


def turn_bit(store: Store, column: Any, row: int, at: int = -1) -> None:
    """One bit of a stored value is another."""
    raw = type_coerce(column, LargeBinary)
    mine = column.table.c.id == row
    with store.engine.begin() as connection:
        value = bytearray(connection.scalars(select(raw).where(mine)).one())
        value[at] ^= 1
        connection.execute(
            update(column.table).where(mine).values({column.name: type_coerce(bytes(value), LargeBinary)})
        )


@pytest.mark.parametrize("at", [-1, 2], ids=["in the words", "in the name of its key"])
def test_a_damaged_value_is_named_and_left_and_stops_no_rotation(filled: Store, at: int) -> None:
    assert audit_sealed(filled) == []
    turn_bit(filled, Message.__table__.c.text, 7, at)
    (found,) = audit_sealed(filled)
    assert (found.count, found.examples) == (1, ["message.text 7"])
    filled.keys.add_key()
    with filled.read() as session:
        total = count_stale(session, filled.keys.row_header)
    done = rotate(filled, lambda _: None)
    assert (done.renewed, done.damaged) == (total, ["message.text 7"])  # the row's other values were renewed
    again = rotate(filled, lambda _: None)
    assert (again.renewed, again.damaged) == (0, ["message.text 7"])
    with filled.read() as session:
        assert count_stale(session, filled.keys.row_header) == 1
        with pytest.raises((DamagedValueError, MissingKeyError)):
            session.scalars(select(Message.text)).all()
    with filled.read() as session, damage_tolerated():
        said = session.scalars(select(Message.text).order_by(Message.id)).all()
    assert said[5:8] == ["第 5 句", DAMAGED, "第 7 句"]
    filled.close()
