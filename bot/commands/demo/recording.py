"""Recordings: a company that was rehearsed once, kept beside its dialogues, and unpacked when the demo starts.

A rehearsal takes minutes, a start must not: what it left (both databases, and the data keys of these made-up
people) is kept in one compressed file. Its time stands still: the demo's clock goes on from the moment at
which it ended, on a working day within working hours. The sandbox's credentials are not in it; every
demo makes its own.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from bot.commands.demo.scenes import FOLDER
from bot.platform import clock
from bot.platform.signed_links import signed_anew
from bot.sandbox.corp import load_corp
from bot.sandbox.tour import SINCE
from bot.wecom.errors import BotError

COMPANIES = ("education", "maternity", "automotive", "b2b")  # whose companies are recorded; the usual one first
_FILES = ("tici.db", "data.keys", "sandbox/sandbox.db")
_TRIMMED = {"tokens": "1", "callbacks": "1", "archive": "1", "oauth_codes": "1", "user_tickets": "1",
            "effects": "id <= (SELECT max(id) - 60 FROM effects)"}  # fmt: skip
_FORGOTTEN = (
    "DELETE FROM status WHERE name NOT IN ('caught_up')",
    "DELETE FROM outbox WHERE state IN ('sent', 'cancelled') AND created_at < datetime((SELECT max(created_at) FROM"
    " outbox), '-1 day')",
)
_TOUR = f"INSERT OR REPLACE INTO settings SELECT '{SINCE}', max(id) FROM effects"  # noqa: S608 - our own name
_READ = "UPDATE inbox SET read_at = created_at WHERE created_at < (SELECT max(created_at) FROM inbox) - 3600"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/(t|day|l|p)/([\w.-]+)")
_HOLDING = {"inbox": "body", "talk": "message"}  # sandbox: where links of ours may lie


class RecordingError(BotError):
    """A recording that is not there or cannot be unpacked."""


@dataclass(frozen=True)
class Recording:
    """What is known of a recording without unpacking it. present: its last moment, where the demo begins."""

    corp_id: str
    present: str
    customers: int
    messages: int


def path_of(playbook: str) -> Path:
    """Where the recording of a playbook's company lies."""
    return FOLDER / f"{playbook}.tar.xz"


def keep(folder: Path, path: Path, present: datetime) -> None:
    """Pack what a rehearsal left in `folder`; all its processes have ended."""
    for name, doomed in _TRIMMED.items():
        _run(folder / "sandbox/sandbox.db", f"DELETE FROM {name} WHERE {doomed}")  # noqa: S608 - our own names
    _run(folder / "sandbox/sandbox.db", _TOUR)
    _run(folder / "sandbox/sandbox.db", _READ)
    for statement in _FORGOTTEN:
        _run(folder / "tici.db", statement)
    for name in ("tici.db", "sandbox/sandbox.db"):
        _run(folder / name, "PRAGMA journal_mode=DELETE")
        _run(folder / name, "VACUUM")
    counts = [_count(folder / "tici.db", table) for table in ("customer", "message")]
    told = Recording(load_corp(folder / "sandbox").corp_id, present.isoformat(), *counts)
    with tarfile.open(path, "w:xz", preset=9) as packed:
        _add(packed, "recording.json", json.dumps(asdict(told)).encode())
        for name in _FILES:
            _add(packed, name, (folder / name).read_bytes())


def unpack(path: Path, folder: Path) -> Recording:
    """Put a recorded company into an empty folder of a demo, and set its clock to where the recording ended."""
    if not path.is_file():
        raise RecordingError(f"没有录好的演示公司：{path}")
    with tarfile.open(path) as packed:
        told = Recording(**json.loads(_read(packed, "recording.json")))
        for name in _FILES:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch(mode=0o600)
            target.write_bytes(_read(packed, name))
    load_corp(folder / "sandbox", told.corp_id)
    clock.begin_at(datetime.fromisoformat(told.present))
    return told


def renew_links(folder: Path, base_url: str, key: bytes) -> None:
    """Have the links on the phones open pages of this demo: other port, other key."""

    def renewed(found: re.Match[str]) -> str:
        return f"{base_url}/{found[1]}/{signed_anew(found[1], found[2], key)}"

    path = folder / "sandbox/sandbox.db"
    for table, column in _HOLDING.items():
        _change(path, table, column, lambda text: _ADDRESS.sub(renewed, text))


def _change(path: Path, table: str, column: str, change: Callable[[str], str]) -> None:
    with closing(sqlite3.connect(path)) as ledger, ledger:
        ledger.create_function("renewed", 1, change)
        ledger.execute(f"UPDATE {table} SET {column} = renewed({column})")  # noqa: S608 - our own names


def _run(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(statement)


def _count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names


def _add(packed: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    packed.addfile(entry, io.BytesIO(content))


def _read(packed: tarfile.TarFile, name: str) -> bytes:
    held = packed.extractfile(name)
    if held is None:
        raise RecordingError(f"录好的演示公司不完整：缺 {name}")
    return held.read()
