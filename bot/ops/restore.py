"""Restore (`flask restore`): puts a backup into a database of either kind, so that nothing is sent twice.

What the backup still meant to send may have been sent after it was made; what customers said since then is pulled
from the archive again. So nothing that was due before the restore is sent, and whoever was erased stays erased.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import orjson
from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from bot.customers.marks import UNSURE
from bot.customers.tombstones import FILE as TOMBSTONES
from bot.customers.tombstones import read_tombstone_file, record_tombstone
from bot.intake.media.storage import FolderStorage
from bot.ops.backup import MANIFEST, ROWS_AT_ONCE, VERSIONS, physical_tables
from bot.ops.backup_file import FORMAT, BadBackupError, keys_missing, opened_archive
from bot.ops.snapshot import lift_statement_timeout
from bot.platform.database import schema
from bot.platform.database.audit_heads import heads_of
from bot.platform.database.audit_log import newest_head, record
from bot.platform.database.id_marks import raise_row_ids, row_id_marks
from bot.platform.database.store import get_status, set_status
from bot.platform.encryption import DataKeys
from bot.platform.failpoints import failpoint
from bot.platform.models import Follow, GroupSend, Lease, Outbox, SopTask
from bot.privacy.erasure import apply_tombstones
from bot.sops.held import RESTORED
from bot.sops.prompts import RESTORED_REASON
from bot.system import System

_ROWS_AT_LEAST, _ROWS_A_SECOND = 1_000_000, 100


@dataclass(frozen=True)
class RestoreSummary:
    """What came back. erased: customers who were erased after the backup and were erased again."""

    made_at: str
    rows: int
    files: int
    erased: int


@dataclass(frozen=True)
class BackupContent:
    """What a backup says of itself, once all of it was found whole."""

    made_at: str
    rows: int
    files: int


def verify_backup(path: Path, keys: DataKeys, *, old_format: bool = False) -> BackupContent:
    """Read a whole backup as a restore would, and change nothing; raises BadBackupError."""
    with opened_archive(path, keys, old_format=old_format) as archive:
        manifest = _checked(archive, path, keys)
        return BackupContent(manifest["made_at"], _rows(manifest), len(manifest["files"]))


def restore(
    system: System,
    path: Path,
    now: datetime,
    *,
    replace: bool,
    on_progress: Callable[[str, int], object],
    old_format: bool = False,
) -> RestoreSummary:
    """Check the whole archive, then restore it in one transaction; raises BadBackupError with nothing changed.

    replace: delete what the database holds now; otherwise a database that holds anything is refused.
    """
    with opened_archive(path, system.data_keys, old_format=old_format) as archive:
        manifest = _checked(archive, path, system.data_keys)
        files = _bring_back(system, archive, manifest, now, replace=replace, on_progress=on_progress)
    failpoint("restored")
    erased = erase_again(system, now)
    return RestoreSummary(manifest["made_at"], _rows(manifest), files, erased)


def _bring_back(
    system: System,
    archive: ZipFile,
    manifest: dict[str, Any],
    now: datetime,
    *,
    replace: bool,
    on_progress: Callable[[str, int], object],
) -> int:
    """Put the rows and the files into place; returns how many files."""
    with system.store.engine.begin() as connection:
        lift_statement_timeout(connection)
        marks = row_id_marks(connection)
        _empty_database(connection, replace=replace)
        schema.upgrade_on(connection, manifest["revision"])
        for table in physical_tables(connection):
            known = manifest["tables"].get(table.name)
            if known is not None:
                on_progress(table.name, _insert_rows(connection, archive, table, known))
        _reset_sequences(connection)
        schema.upgrade_on(connection, "head")
        raise_row_ids(connection, marks, rows_since(datetime.fromisoformat(manifest["made_at"]), now))
        files = _restore_files(system, archive, manifest)
        with Session(connection, autoflush=False) as session:
            cancel_pending(session, now, manifest["made_at"], read_tombstone_file(system.environment.var))
            session.flush()
            _note_restored(system, session)
    return files


def _checked(archive: ZipFile, path: Path, keys: DataKeys) -> dict[str, Any]:
    """What the archive says of itself, with every part there and whole."""
    try:
        manifest: dict[str, Any] = orjson.loads(archive.read(MANIFEST))
    except (BadZipFile, KeyError, ValueError):
        raise BadBackupError(f"{path.name} 不是 flask backup 做的备份，或者没有传完整") from None
    if manifest.get("format") not in (1, FORMAT):
        raise BadBackupError(f"{path.name} 是别的版本的备份（格式 {manifest.get('format')}），请用做它的那个版本恢复")
    _check_keys(keys, manifest)
    _check(archive, manifest)
    return manifest


def _rows(manifest: dict[str, Any]) -> int:
    return sum(table["rows"] for table in manifest["tables"].values())


def _check_keys(keys: DataKeys, manifest: dict[str, Any]) -> None:
    missing = [key for key in manifest["keys"] if key not in keys.ids]
    if missing:
        raise BadBackupError(keys_missing(missing))


def _check(archive: ZipFile, manifest: dict[str, Any]) -> None:
    """Verify that every part is there and whole, before anything is changed."""
    expected = {f"tables/{name}.jsonl": table["sha256"] for name, table in manifest["tables"].items()}
    for name, digest in {**expected, **manifest["files"]}.items():
        try:
            with archive.open(name) as part:
                found = _digest(part)
        except (KeyError, BadZipFile, OSError, EOFError):
            found = ""
        if found != digest:
            raise BadBackupError(f"备份里的 {name} 缺失或损坏：请换另一份备份")


def _digest(part: IO[bytes]) -> str:
    digest = sha256()
    while piece := part.read(1024 * 1024):
        digest.update(piece)
    return digest.hexdigest()


def _empty_database(connection: Connection, *, replace: bool) -> None:
    metadata = MetaData()
    metadata.reflect(connection)
    filled = [
        table.name
        for table in metadata.sorted_tables
        if table.name != VERSIONS and connection.execute(select(text("1")).select_from(table).limit(1)).first()
    ]
    if filled and not replace:
        raise BadBackupError(
            f"数据库里已有数据（{filled[0]} 等 {len(filled)} 张表）：换一个空库，或加 --replace 用备份替换它"
        )
    metadata.drop_all(connection)


def _insert_rows(connection: Connection, archive: ZipFile, table: Table, known: dict[str, Any]) -> int:
    kinds = known["columns"]
    naive = connection.dialect.name == "sqlite"  # SQLite stores no time zones; ours are UTC
    readers = [_reader(kind, naive) for kind in kinds.values()]
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for portion in _portions(lines):
            connection.execute(insert(table), [_row(kinds, readers, orjson.loads(line)) for line in portion])
    return int(known["rows"])


def _row(names: Iterable[str], readers: list[Callable[[Any], Any]], values: list[Any]) -> dict[str, Any]:
    return {name: read(value) for name, read, value in zip(names, readers, values, strict=True)}


def _portions(lines: IO[bytes]) -> Iterator[list[bytes]]:
    while portion := list(islice(lines, ROWS_AT_ONCE)):
        yield portion


def _reader(kind: str, naive: bool) -> Callable[[Any], Any]:
    if kind == "bytes":
        return lambda value: None if value is None else base64.b64decode(value)
    if kind == "time":
        return lambda value: None if value is None else _instant(value, naive)
    return lambda value: value


def _instant(value: str, naive: bool) -> datetime:
    at = datetime.fromisoformat(value)
    return at.astimezone(UTC).replace(tzinfo=None) if naive else at


def _reset_sequences(connection: Connection) -> None:
    """Set PostgreSQL's sequences behind the restored ids, since inserting ids does not move them."""
    if connection.dialect.name != "postgresql":
        return
    for table in physical_tables(connection):
        if "id" in table.columns and table.columns["id"].primary_key:
            newest = select(func.coalesce(func.max(table.columns["id"]), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, "id")
            connection.execute(select(func.setval(sequence, newest, False)))


def rows_since(made_at: datetime, now: datetime) -> int:
    """More rows than any table can have gained since the backup was made, also where this database never saw them.

    Ids of that time may still stand in addresses and logs; the restored tables go on beyond them. A second restore of
    the same backup is later, and goes on beyond what was given after the first one.
    """
    return _ROWS_AT_LEAST + _ROWS_A_SECOND * max(0, int((now - made_at).total_seconds()))


def _restore_files(system: System, archive: ZipFile, manifest: dict[str, Any]) -> int:
    """Restore missing media contents and merge the tombstones; keys are never restored over those in use."""
    var, place, count = system.environment.var, FolderStorage(system.environment.var / "media"), 0
    for name in manifest["files"]:
        if name.startswith("media/") and not place.has(content := name.removeprefix("media/")):
            aside = var / f"restored-{content}"
            aside.write_bytes(archive.read(name))
            place.put(content, aside)
            count += 1
    if TOMBSTONES in manifest["files"]:
        known = (var / TOMBSTONES).read_bytes().splitlines() if (var / TOMBSTONES).exists() else []
        more = [line for line in archive.read(TOMBSTONES).splitlines() if line not in known]
        if more:
            with (var / TOMBSTONES).open("ab") as file:
                file.write(b"".join(line + b"\n" for line in more))
    return count


def cancel_pending(session: Session, now: datetime, made_at: str, stones: Mapping[str, datetime]) -> None:
    """Cancel what was on its way or due until now, delete leases, and set the tombstones again.

    In the transaction that restores the rows: a kill in between would leave rows that are sent a second time.
    """
    session.execute(delete(Lease))
    session.execute(update(Follow).values(marking={UNSURE: []}))  # which tags phones show since is not known
    on_its_way = Outbox.state.in_(("waiting", "sending"))
    session.execute(update(Outbox).where(on_its_way).values(state="cancelled", done_at=now, lease_until=None))
    due = SopTask.state.in_(("planned", "queued")) & (SopTask.due_at <= now)
    queued = SopTask.state == "queued"
    session.execute(update(SopTask).where(due | queued).values(state="cancelled", ended_because=RESTORED_REASON))
    gathering = GroupSend.state == "gathering"
    session.execute(update(GroupSend).where(gathering).values(state="cancelled", ended_because=RESTORED_REASON))
    for stone, erased_at in stones.items():
        record_tombstone(session, stone, erased_at)
    set_status(session, RESTORED, {"at": now.isoformat(), "made_at": made_at, "erasing": True}, now)


def _note_restored(system: System, session: Session) -> None:
    """Note where the log now ends. Before the commit: killed in between, less is expected of the log, not more."""
    heads = heads_of(system.store.engine.dialect)
    if heads is not None:
        heads.note_restored(newest_head(session))


def erase_again(system: System, now: datetime) -> int:
    """Erase again whoever a restore brought back; returns how many.

    Where a restore was killed before it came to that, the next housekeeping calls this.
    """
    with system.store.read() as session:
        status = get_status(session, RESTORED)
    if status is None or not status.value.get("erasing"):
        return 0
    erased = apply_tombstones(system, now)
    with system.store.write() as session:
        record(session, "system", "database.restore", "database", now, made_at=status.value["made_at"])
        set_status(session, RESTORED, {**status.value, "erasing": False}, status.at)
    return erased
