"""Backup (`flask backup`): the whole database as it was at one moment, and the files beside it, in one archive.

The rows go out as JSON lines that belong to no database in particular: a backup of SQLite can be restored into
PostgreSQL and the other way round. The archive is sealed as a whole (bot/ops/backup_file.py); the keys are never in
it, since it opens by them only: they go into a file of their own where they are asked for.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import orjson
from sqlalchemy import JSON, Connection, DateTime, LargeBinary, MetaData, Table, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.types import TypeEngine

from bot.customers.tombstones import FILE as TOMBSTONES
from bot.intake.media.storage import FolderStorage
from bot.ops.backup_file import FORMAT, sealed_archive
from bot.ops.snapshot import read_snapshot
from bot.platform.database import schema
from bot.system import System

MANIFEST = "manifest.json"
VERSIONS = "alembic_version"
ROWS_AT_ONCE = 2_000
_PIECE = 1024 * 1024
KEY_FILES = ("data.keys", "secret.key")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class BackupSummary:
    """What a backup holds."""

    path: Path
    rows: int
    files: int
    bytes: int


def back_up(
    system: System, path: Path, now: datetime, *, keys: bool, on_progress: Callable[[str, int], object]
) -> BackupSummary:
    """Write the archive beside its place and move it there whole; `on_progress` is told of each table and its rows.

    keys: put the keys into a file of their own beside it.

    The system may go on working: all rows are read in one transaction, and stored files never change.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(aside, _NEW, 0o600), "wb") as file:
            with sealed_archive(file, system.data_keys, ZIP_DEFLATED) as archive:
                tables, revision = _write_tables(system, archive, on_progress)
                files = _write_files(archive, _files(system))
                manifest = {
                    "format": FORMAT, "made_at": now.isoformat(), "revision": revision,
                    "database": system.store.engine.dialect.name, "keys": list(system.data_keys.ids),
                    "tables": tables, "files": files,
                }  # fmt: skip
                archive.writestr(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        if keys:
            _write_keys(system, keys_beside(path))
    finally:
        aside.unlink(missing_ok=True)
    return BackupSummary(path, sum(table["rows"] for table in tables.values()), len(files), path.stat().st_size)


def keys_beside(path: Path) -> Path:
    """Where the keys go that were asked for along with a backup."""
    return path.with_name(f"{path.stem}.keys.zip")


def damage_of(system: System) -> str | None:
    """What the database itself finds wrong with its file, on SQLite; None where it finds nothing."""
    if system.store.engine.dialect.name != "sqlite":
        return None
    try:
        with system.store.engine.connect().execution_options(tici_read_only=True) as connection:
            said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
    except DatabaseError as error:
        said = str(error.orig)
    return None if said == "ok" else said


def _write_keys(system: System, path: Path) -> None:
    with os.fdopen(os.open(path, _NEW, 0o600), "wb") as file, ZipFile(file, "w", ZIP_STORED) as archive:
        _write_files(archive, _key_files(system))


def _write_tables(
    system: System, archive: ZipFile, on_progress: Callable[[str, int], object]
) -> tuple[dict[str, Any], str | None]:
    with read_snapshot(system.store.engine) as connection:
        found: dict[str, Any] = {}
        revision = schema.revision_of(connection)
        for table in physical_tables(connection):
            found[str(table.name)] = _write_table(connection, archive, table)
            on_progress(table.name, found[str(table.name)]["rows"])
    return found, revision


def physical_tables(connection: Connection) -> list[Table]:
    """Our tables as the database has them, parents before children."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSIONS]


def kind_of(of: TypeEngine[Any]) -> str:
    """How a column's values are written: time, bytes, json or plain."""
    for kind, written in ((DateTime, "time"), (LargeBinary, "bytes"), (JSON, "json")):
        if isinstance(of, kind):
            return written
    return "plain"


def _write_table(connection: Connection, archive: ZipFile, table: Table) -> dict[str, Any]:
    kinds = {str(column.name): kind_of(column.type) for column in table.columns}
    writers = [_WRITERS[kind] for kind in kinds.values()]
    digest, count = sha256(), 0
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as out:
        rows = connection.execute(select(table).execution_options(yield_per=ROWS_AT_ONCE))
        for portion in rows.partitions():
            lines = b"".join(
                orjson.dumps([write(value) for write, value in zip(writers, row, strict=True)]) + b"\n"
                for row in portion
            )
            out.write(lines)
            digest.update(lines)
            count += len(portion)
    return {"rows": count, "sha256": digest.hexdigest(), "columns": kinds}


def _time(value: datetime | None) -> str | None:
    if value is None:
        return None
    return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()


def _bytes(value: bytes | memoryview | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "time": _time, "bytes": _bytes, "json": lambda value: value, "plain": lambda value: value,
}  # fmt: skip


def _write_files(archive: ZipFile, files: Iterator[tuple[str, IO[bytes]]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, source in files:
        with source as stream:
            found[name] = _copy(stream, archive, name)
    return found


def _files(system: System) -> Iterator[tuple[str, IO[bytes]]]:
    """The sealed media contents and the tombstones."""
    var = system.environment.var
    if not system.environment.media_url:
        place = FolderStorage(var / "media")
        for content in place.names():
            yield f"media/{content}", place.open(content)
    if (var / TOMBSTONES).is_file():
        yield TOMBSTONES, (var / TOMBSTONES).open("rb")


def _key_files(system: System) -> Iterator[tuple[str, IO[bytes]]]:
    var = system.environment.var
    for name in KEY_FILES:
        if (var / name).is_file():
            yield name, (var / name).open("rb")
    if system.environment.wecom is not None:
        for path in sorted(system.environment.wecom.private_keys.glob("private_key_v*.pem")):
            yield f"keys/{path.name}", path.open("rb")


def _copy(stream: IO[bytes], archive: ZipFile, name: str) -> str:
    digest = sha256()
    archive.compression = ZIP_STORED  # encrypted bytes do not compress
    with archive.open(name, "w", force_zip64=True) as out:
        while piece := stream.read(_PIECE):
            out.write(piece)
            digest.update(piece)
    archive.compression = ZIP_DEFLATED
    return digest.hexdigest()
