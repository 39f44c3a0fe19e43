"""Backups: whole, from either database into either, refused where they do not fit; nothing is sent twice for them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select

from bot.commands.bench.seeding import SeedSize, seed
from bot.customers.tombstones import erased_among
from bot.ops.backup import back_up, physical_tables
from bot.ops.consistency import audit
from bot.ops.restore import BadBackupError, erase_again, restore
from bot.platform import clock, failpoints
from bot.platform.database.schema import upgrade
from bot.platform.environment import read_environment
from bot.platform.models import Agent, Customer, Message, Outbox, SopTask
from bot.privacy.erasure import erase
from bot.sops.prompts import RESTORED_REASON
from bot.system import System
from tests.support.parts import KEYS
from tests.support.postgres import Postgres

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}
Opener = Callable[..., System]


def quiet(_name: str, _rows: int) -> None:
    """Nobody watches the bar."""


@pytest.fixture
def opened(tmp_path: Path, postgres: Postgres) -> Iterator[Opener]:
    """Opens Systems, each on a database and in a folder of its own."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_on(kind: str, keys: str = KEYS.text) -> System:
            folder = tmp_path / os.urandom(4).hex()
            folder.mkdir()
            url = f"sqlite:///{folder / 'tici.db'}"
            if kind == "postgresql":
                url = stack.enter_context(postgres.database())
            given = {"TICI_VAR": str(folder), "TICI_DATABASE_URL": url, "TICI_DATA_KEYS": keys}
            system = System(read_environment(given))
            stack.callback(system.store.close)
            return system

        yield open_on


def filled(opened: Opener, kind: str) -> System:
    system = opened(kind)
    upgrade(system.store.engine)
    seed(system.store, system.settings, SeedSize(30, 300, 3), clock.now(), lambda done: None)
    return system


def contents(system: System) -> dict[str, list[Any]]:
    """Every row of every table as people read it."""
    from bot.platform.models import Model

    with system.store.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(table)).all()))
            for table in Model.metadata.sorted_tables
            if table.name not in ("status", "outbox", "sop_task")  # these change when a backup is restored
        }


@pytest.mark.parametrize("kind", OTHER)
@pytest.mark.parametrize("across", [False, True], ids=["same", "other"])
def test_what_was_backed_up_comes_back_in_either_database(
    opened: Opener, tmp_path: Path, kind: str, across: bool
) -> None:
    source = filled(opened, kind)
    made = back_up(source, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    assert made.rows > 500
    assert (tmp_path / "b.zip").stat().st_mode & 0o777 == 0o600
    target = opened(OTHER[kind] if across else kind)
    restored = restore(target, tmp_path / "b.zip", clock.now(), replace=False, on_progress=quiet)
    assert restored.rows == made.rows
    assert contents(target) == contents(source)
    assert audit(target.store, clock.now(), running=False) == []
    with target.store.write() as session:  # numbering goes on after the rows
        session.add(Agent(key="new", userid="New", name="新来的", created_at=clock.now()))


def test_nothing_that_was_due_is_sent_again(opened: Opener, tmp_path: Path) -> None:
    source = filled(opened, "sqlite")
    now = clock.now()
    with source.store.write() as session:
        task = session.scalars(select(SopTask).where(SopTask.state == "planned")).first()
        assert task is not None
        task.due_at = now - timedelta(minutes=1)
        soon = session.scalars(select(SopTask).where(SopTask.state == "planned", SopTask.id != task.id)).first()
        assert soon is not None
        session.add(Outbox(key="card:1", kind="card", payload={}, task_id=task.id, created_at=now, not_before=now))
        numbers = task.id, soon.id
    back_up(source, tmp_path / "b.zip", now, keys=False, on_progress=quiet)
    target = opened("sqlite")
    restore(target, tmp_path / "b.zip", now, replace=False, on_progress=quiet)
    with target.store.read() as session:
        gone, kept = (session.get_one(SopTask, number) for number in numbers)
        assert (gone.state, gone.ended_because) == ("cancelled", RESTORED_REASON)
        assert kept.state == "planned"
        assert session.scalars(select(Outbox.state)).all() == ["cancelled"]


def test_who_was_erased_after_the_backup_stays_erased(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    with system.store.read() as session:
        person = session.scalars(select(Customer.external_userid)).first()
    assert person is not None
    erase(system, person, "admin", clock.now())
    found = restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=quiet)
    assert found.erased == 1
    with system.store.read() as session:
        assert session.scalar(select(func.count()).where(Customer.external_userid == person)) == 0


def killed_at(point: str, work: Callable[[], object]) -> None:
    """Do it in a process of its own that kills itself there."""
    pid = os.fork()
    if pid == 0:
        failpoints.arm(point)
        work()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_restore_killed_once_the_rows_are_in_sends_nothing_and_brings_nobody_back(
    opened: Opener, tmp_path: Path
) -> None:
    system, now = filled(opened, "sqlite"), clock.now()
    with system.store.write() as session:
        session.add(Outbox(key="card:1", kind="card", payload={}, created_at=now, not_before=now))
        person = session.scalars(select(Customer.external_userid)).first()
    assert person is not None
    back_up(system, tmp_path / "b.zip", now, keys=False, on_progress=quiet)
    erase(system, person, "admin", now)
    system.store.close()
    killed_at("restored", lambda: restore(system, tmp_path / "b.zip", now, replace=True, on_progress=quiet))
    with system.store.read() as session:
        assert session.scalars(select(Outbox.state).where(Outbox.key == "card:1")).all() == ["cancelled"]
        assert list(erased_among(session, [person])) == [person], "no pull lets them in"
        assert session.scalar(select(func.count()).where(Customer.external_userid == person)) == 1
    assert erase_again(system, now) == 1  # as the next housekeeping does
    with system.store.read() as session:
        assert session.scalar(select(func.count()).where(Customer.external_userid == person)) == 0
    assert erase_again(system, now) == 0


def test_a_backup_while_messages_come_in_is_of_one_moment(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    with system.store.read() as session:
        before = session.scalar(select(func.count()).select_from(Message)) or 0
        customer = session.scalars(select(Customer.id)).first()

    def disturb(_name: str, _rows: int) -> None:
        with system.store.write() as session:
            number = session.scalar(select(func.max(Message.id))) or 0
            session.add(
                Message(
                    msgid=f"late{number}", seq=10**6 + number, action="send", kind="text", sender="wm",
                    role="customer", customer_id=customer, sent_at=clock.now(), stored_at=clock.now(), text="晚到",
                    line="晚到", raw="{}",
                )
            )  # fmt: skip

    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=disturb)
    with ZipFile(tmp_path / "b.zip") as archive:
        assert len(archive.read("tables/message.jsonl").splitlines()) == before


def damaged(path: Path) -> None:
    """One byte of the messages is another."""
    with ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["tables/message.jsonl"] = parts["tables/message.jsonl"].replace(b"customer", b"custemer", 1)
    with ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("harm", [damaged, cut])
def test_a_damaged_backup_changes_nothing(opened: Opener, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    system = filled(opened, "sqlite")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    before = contents(system)
    harm(tmp_path / "b.zip")
    with pytest.raises(BadBackupError, match="备份"):
        restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=quiet)
    assert contents(system) == before


def test_a_database_that_holds_something_is_not_overwritten(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    with pytest.raises(BadBackupError, match="--replace"):
        restore(system, tmp_path / "b.zip", clock.now(), replace=False, on_progress=quiet)


def test_without_the_keys_of_its_day_a_backup_is_refused(opened: Opener, tmp_path: Path) -> None:
    from bot.platform.encryption import new_keys_text

    back_up(filled(opened, "sqlite"), tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    with pytest.raises(BadBackupError, match="密钥"):
        restore(opened("sqlite", new_keys_text()), tmp_path / "b.zip", clock.now(), replace=False, on_progress=quiet)


def test_keys_are_inside_only_when_asked_for(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    (system.environment.var / "data.keys").write_text("secret words")
    for name, keys in (("without.zip", False), ("with.zip", True)):
        back_up(system, tmp_path / name, clock.now(), keys=keys, on_progress=quiet)
        with ZipFile(tmp_path / name) as archive:
            assert ("data.keys" in archive.namelist()) is keys


def test_every_table_of_the_models_is_backed_up(opened: Opener) -> None:
    from bot.platform.models import Model

    system = filled(opened, "sqlite")
    with system.store.engine.connect() as connection:
        assert {table.name for table in physical_tables(connection)} == set(Model.metadata.tables)
