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
from sqlalchemy import Column, Table, delete, func, select

from bot.commands.bench.seeding import SeedSize, seed
from bot.customers.marks import UNSURE
from bot.customers.tombstones import erased_among
from bot.intake.media.storage import FolderStorage
from bot.ops.backup import back_up, damage_of, keys_beside, physical_tables
from bot.ops.backup_file import MAGIC, PIECE, BadBackupError, opened_archive
from bot.ops.consistency import audit
from bot.ops.restore import erase_again, restore, verify_backup
from bot.platform import clock, failpoints
from bot.platform.database.audit_log import HEAD, record, verify_log
from bot.platform.encryption import DataKeys
from bot.platform.environment import read_environment
from bot.platform.models import Agent, AuditEntry, Customer, Follow, Message, Outbox, SopTask, Status
from bot.privacy.erasure import erase
from bot.sops.prompts import RESTORED_REASON
from bot.system import System
from tests.support.fresh import bring_up
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
    bring_up(system.store.engine)
    seed(system.store, system.settings, SeedSize(30, 300, 3), clock.now(), lambda done: None)
    return system


def _kept(table: Table) -> list[Column[Any]]:
    """The columns that a restore leaves as they were in the backup."""
    return [column for column in table.c if str(column) != "follow.marking"]


def contents(system: System) -> dict[str, list[Any]]:
    """Every row of every table as people read it."""
    from bot.platform.models import Model

    with system.store.read() as session:
        return {
            table.name: sorted(map(repr, session.execute(select(*_kept(table))).all()))
            for table in Model.metadata.sorted_tables
            if table.name not in ("status", "outbox", "sop_task", "audit_entry")  # these change in a restore
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
    with target.store.read() as session:
        assert set(map(str, session.scalars(select(Follow.marking)))) == {str({UNSURE: []})}
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


def fault(system: System) -> str | None:
    with system.store.read() as session:
        return verify_log(session)


def noted(system: System, count: int) -> None:
    for number in range(count):
        with system.store.write() as session:
            record(session, "admin", "stage.move", f"customer:{number}", clock.now())


@pytest.mark.parametrize("kind", OTHER)
def test_a_restored_log_is_no_shortened_one_and_one_put_back_by_hand_is(
    opened: Opener, tmp_path: Path, kind: str
) -> None:
    system = filled(opened, kind)
    noted(system, 2)
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    noted(system, 3)
    restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=quiet)
    assert fault(system) is None
    with system.store.read() as session:
        assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()[2:] == ["database.restore"]
    noted(system, 1)
    assert fault(system) is None
    with system.store.write() as session:  # the rows of the backup, and no word in the file beside it
        session.execute(delete(AuditEntry).where(AuditEntry.id > 2))
        session.execute(delete(Status).where(Status.name == HEAD))
    assert "被清空、截短或换成了旧的" in str(fault(system))


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
    with opened_archive(tmp_path / "b.zip", system.data_keys) as archive:
        assert len(archive.read("tables/message.jsonl").splitlines()) == before


def bit_turned(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def pieces(path: Path) -> tuple[bytes, list[bytes]]:
    """The header of a backup file and its sealed pieces."""
    header, _, rest = path.read_bytes().partition(b"\n")
    size = PIECE + 16
    return header + b"\n", [rest[at : at + size] for at in range(0, len(rest), size)]


def cut_at_a_piece(path: Path) -> None:
    header, found = pieces(path)
    path.write_bytes(header + b"".join(found[:-1]))


def swap_pieces(path: Path) -> None:
    header, (first, second, *rest) = pieces(path)
    path.write_bytes(header + second + first + b"".join(rest))


def another_salt(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"salt":"', b'"salt":"0', 1))


HARMS: dict[str, Callable[[Path], object]] = {
    "a bit of the rows": lambda path: bit_turned(path, 5000),
    "a bit at the end": lambda path: bit_turned(path, -1),
    "a bit of the header": lambda path: bit_turned(path, len(MAGIC) + 20),
    "another salt": another_salt,
    "cut in the middle": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut where a piece ends": cut_at_a_piece,
    "two pieces swapped": swap_pieces,
    "something appended": lambda path: path.write_bytes(path.read_bytes() + b"PK"),
    "only its header": lambda path: path.write_bytes(pieces(path)[0]),
}


def is_refused(path: Path, keys: DataKeys) -> bool:
    try:
        verify_backup(path, keys)
    except BadBackupError as error:
        return "备份" in str(error)
    return False


def test_a_backup_that_was_touched_anywhere_is_not_read(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    media = system.environment.var / "media"
    FolderStorage(media).put("0" * 64, written(tmp_path / "film", os.urandom(3 * PIECE)))
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    whole, before = (tmp_path / "b.zip").read_bytes(), contents(system)
    assert verify_backup(tmp_path / "b.zip", system.data_keys).files == 1
    for name, harm in HARMS.items():
        (tmp_path / "b.zip").write_bytes(whole)
        harm(tmp_path / "b.zip")
        assert is_refused(tmp_path / "b.zip", system.data_keys), name
    with pytest.raises(BadBackupError, match="备份"):
        restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=quiet)
    assert contents(system) == before


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_nothing_of_a_backup_lies_in_the_clear(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    with system.store.read() as session:
        person = session.scalars(select(Customer.external_userid)).first()
    content = (tmp_path / "b.zip").read_bytes()
    for word in (person, "tables/", "manifest.json", "PK\x03\x04", "PK\x01\x02"):
        assert str(word).encode() not in content, word


def as_of_before(path: Path, keys: DataKeys) -> None:
    """The same as a plain archive, the way earlier releases wrote it."""
    with opened_archive(path, keys) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["manifest.json"] = parts["manifest.json"].replace(b'"format": 2', b'"format": 1')
    with ZipFile(path, "w") as plain:
        for name, content in parts.items():
            plain.writestr(name, content)


def test_a_backup_of_an_earlier_release_is_taken_only_if_one_says_so(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    as_of_before(tmp_path / "b.zip", system.data_keys)
    with pytest.raises(BadBackupError, match="--old-format"):
        restore(system, tmp_path / "b.zip", clock.now(), replace=True, on_progress=quiet)
    target = opened("sqlite")
    restore(target, tmp_path / "b.zip", clock.now(), replace=False, on_progress=quiet, old_format=True)
    assert contents(target) == contents(system)
    as_of_before_and_damaged = {"tables/message.jsonl": b"[]"}
    with ZipFile(tmp_path / "b.zip") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()} | as_of_before_and_damaged
    with ZipFile(tmp_path / "b.zip", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(BadBackupError, match="缺失或损坏"):
        restore(opened("sqlite"), tmp_path / "b.zip", clock.now(), replace=False, on_progress=quiet, old_format=True)


def test_a_damaged_database_file_is_told_in_words(opened: Opener) -> None:
    system = filled(opened, "sqlite")
    assert damage_of(system) is None
    system.store.close()
    path = system.environment.var / "tici.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = os.urandom(8192)
    path.write_bytes(content)
    assert damage_of(system)


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


def test_keys_lie_beside_it_and_only_when_asked_for(opened: Opener, tmp_path: Path) -> None:
    system = filled(opened, "sqlite")
    (system.environment.var / "data.keys").write_text("secret words")
    back_up(system, tmp_path / "b.zip", clock.now(), keys=False, on_progress=quiet)
    beside = keys_beside(tmp_path / "b.zip")
    assert not beside.exists()
    back_up(system, tmp_path / "b.zip", clock.now(), keys=True, on_progress=quiet)
    assert beside.stat().st_mode & 0o777 == 0o600
    with ZipFile(beside) as archive:
        assert archive.read("data.keys") == b"secret words"
    with opened_archive(tmp_path / "b.zip", system.data_keys) as archive:
        assert "data.keys" not in archive.namelist()


def test_every_table_of_the_models_is_backed_up(opened: Opener) -> None:
    from bot.platform.models import Model

    system = filled(opened, "sqlite")
    with system.store.engine.connect() as connection:
        assert {table.name for table in physical_tables(connection)} == set(Model.metadata.tables)
