"""Encryption: what people say is stored sealed only, and opens only with the right key in its own column."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import LargeBinary, func, select, text, type_coerce

from bot.platform.database.store import Store
from bot.platform.encryption import DataKeyError, DataKeys, new_keys_text, new_line, open_data_keys
from bot.platform.environment import read_environment
from bot.platform.models import Customer, Evidence, Follow, Message, Model, Outbox
from bot.platform.models.sealed import Sealed, SealedJson
from bot.system import System
from tests.support.fresh import bring_up
from tests.support.parts import KEYS
from tests.support.rows import Rows

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
SECRETS = ("欧阳测试", "老板娘", "想问问多少钱", "多少钱", "http://wx.qlogo.cn/face")


def everything(store: Store) -> bytes:
    """All values of all tables as the database holds them, unopened."""
    with store.read() as session:
        found = []
        for table in Model.metadata.sorted_tables:
            columns = [
                type_coerce(column, LargeBinary) if isinstance(column.type, Sealed | SealedJson) else column
                for column in table.columns
            ]
            for row in session.execute(select(*columns)):
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(found)


def fill(store: Store) -> int:
    with store.write() as session:
        rows = Rows(session, NOW)
        agent = rows.agent()
        customer = rows.customer("欧阳测试", agent=agent, last_words="想问问多少钱", avatar="http://wx.qlogo.cn/face")
        session.scalars(select(Follow)).one().remark = "老板娘"
        message = rows.message(customer, "想问问多少钱")
        rows.evidence(message, [["多少钱", 3, 6]], "考虑价格", "命中 多少钱")
        session.add(
            Outbox(key="k", kind="prompt", payload={"text": "欧阳测试"}, created_at=NOW, not_before=NOW, result={})
        )
        return customer.id


def test_nothing_said_stands_open_in_the_database(store: Store) -> None:
    customer_id = fill(store)
    dump = everything(store)
    for secret in SECRETS:
        assert secret.encode() not in dump, secret
    with store.read() as session:
        customer = session.get_one(Customer, customer_id)
        assert (customer.name, customer.last_words, customer.corp_name) == ("欧阳测试", "想问问多少钱", "")
        assert session.scalars(select(Evidence.spans)).one() == [["多少钱", 3, 6]]
        assert session.scalars(select(Outbox.payload)).one() == {"text": "欧阳测试"}
        assert session.scalars(select(Follow.remark)).one() == "老板娘"


def test_each_sealed_column_is_bound_to_its_own_name() -> None:
    for table in Model.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Sealed | SealedJson):
                assert column.type.where == f"{table.name}.{column.name}"


def test_one_value_is_never_sealed_the_same_way_twice() -> None:
    assert KEYS.seal(b"same", b"a.b") != KEYS.seal(b"same", b"a.b")


@pytest.mark.parametrize(
    "compare",
    [
        lambda: Customer.name == "李女士",
        lambda: Customer.name.like("%李%"),
        lambda: Customer.name.in_(["李女士"]),
        lambda: Customer.name.desc(),
        lambda: Message.text.contains("钱"),
        lambda: Outbox.payload["card"],
    ],
)
def test_the_database_is_not_asked_what_it_cannot_know(compare: object) -> None:
    with pytest.raises(TypeError, match=r"encrypted|not subscriptable"):
        compare()  # type: ignore[operator]


def test_the_database_still_knows_what_is_empty(store: Store) -> None:
    fill(store)
    with store.read() as session:
        count = select(func.count()).select_from(Message)
        assert session.scalar(count.where(Message.text != "")) == 1
        assert session.scalar(count.where(Message.text == "")) == 0
        assert session.scalar(select(func.count()).select_from(Customer).where(Customer.avatar.is_(None))) == 0


def test_a_stranger_with_another_key_reads_nothing_and_is_told_what_to_do(store: Store) -> None:
    fill(store)
    other = Store(store.url, DataKeys(new_keys_text()))
    with pytest.raises(DataKeyError, match=rf"没有这把密钥.*恢复|{KEYS.current_id}"), other.read() as session:
        session.scalars(select(Customer)).all()
    other.close()


def test_a_value_neither_moves_to_another_column_nor_survives_a_change(store: Store) -> None:
    fill(store)
    with store.write() as session:
        session.execute(text("UPDATE customer SET name = last_words"))
    with pytest.raises(DataKeyError, match=r"customer\.name"), store.read() as session:
        session.scalars(select(Customer)).all()
    sealed = bytearray(KEYS.seal(b"words", b"a.b"))
    sealed[-1] ^= 1
    with pytest.raises(DataKeyError, match="改动过"):
        KEYS.open(bytes(sealed), b"a.b")


def test_without_keys_nothing_is_written(store: Store) -> None:
    del store.engine.dialect.tici_data_keys  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="without data keys"):
        fill(store)
    store.engine.dialect.tici_data_keys = KEYS  # type: ignore[attr-defined]
    assert b"wm0" not in everything(store)


def test_processes_that_start_together_agree_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "var" / "data.keys"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: open_data_keys(None, path, lambda: True).text, range(16)))
    assert len(set(found)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["data.keys"]


def test_a_lost_file_is_not_replaced_beside_a_database_with_people(database_url: str, tmp_path: Path) -> None:
    given = {"TICI_VAR": str(tmp_path / "var"), "TICI_DATABASE_URL": database_url}
    system = System(read_environment(given))
    bring_up(system.store.engine)
    fill(system.store)
    system.store.close()
    path = tmp_path / "var" / "data.keys"
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(DataKeyError, match=r"不见了.*恢复"):
        System(read_environment(given)).store  # noqa: B018
    assert not path.exists()
    path.write_bytes(kept)
    again = System(read_environment(given)).store
    with again.read() as session:
        assert session.scalars(select(Customer.name)).one() == "欧阳测试"
    again.close()


@pytest.mark.parametrize("broken", ["data short", "", "{good}", "hash x\n{good}", "{good}!"])
def test_a_broken_ring_says_so_without_telling_keys(broken: str) -> None:
    good = new_line()
    with pytest.raises(DataKeyError) as refused:
        DataKeys(broken.format(good=good))
    assert good.split()[1] not in str(refused.value)


def test_the_environment_may_hold_the_ring_in_one_line() -> None:
    lines = [line for line in KEYS.text.splitlines() if not line.startswith("#")]
    keys = open_data_keys(", ".join(lines), Path("/nowhere"), lambda: False)
    assert keys.open(KEYS.seal(b"words", b"a.b"), b"a.b") == b"words"
    assert KEYS.text.splitlines()[-1].split()[1] not in repr(keys)


def test_a_key_added_by_another_process_opens_at_once_and_seals_soon(tmp_path: Path) -> None:
    path = tmp_path / "data.keys"
    ours, theirs = (open_data_keys(None, path, lambda: True) for _ in range(2))
    before = ours.seal(b"words", b"a.b")
    added = theirs.add_key()
    assert ours.open(theirs.seal(b"new", b"a.b"), b"a.b") == b"new"
    assert ours.current_id == added
    assert ours.open(before, b"a.b") == b"words"
    assert ours.digest("search", "x") == theirs.digest("search", "x") != ours.digest("tombstone", "x")
    assert pickle.loads(pickle.dumps(ours)).open(before, b"a.b") == b"words"
