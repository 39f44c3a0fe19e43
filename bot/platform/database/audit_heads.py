"""Heads of the audit log, noted in a file beside the database, which tell when it was emptied, cut or put back."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.platform.encryption import DataKeys
from bot.platform.log import get_logger
from bot.wecom.errors import BotError

FILE = "audit-heads.jsonl"
_HEAD, _RESTORED = "head", "restored"
_TAIL = 64 * 1024  # of the file: the newest head covers all rows before it, so older lines are not needed
_KEPT = "head of the audit log"  # in Session.info
_log = get_logger(__name__)


class HeadsAlteredError(BotError):
    """A line of the file is none that we wrote."""


@dataclass(frozen=True)
class Head:
    """The last row of the log at some moment: its id and its keyed hash, which covers all rows before it."""

    id: int
    hash: str


@dataclass(frozen=True)
class HeadFile:
    """The file of heads: lines are only ever appended, each under a keyed hash of its own."""

    path: Path
    keys: DataKeys

    def note(self, head: Head) -> None:
        """Note the head of a log that has grown. On a full disk it is left to the next one, which covers it."""
        try:
            self._append(_HEAD, head)
        except OSError as error:
            _log.warning("head of the audit log not noted", error=type(error).__name__)

    def note_restored(self, head: Head) -> None:
        """Note that the log was put back to this head on purpose: what was noted beyond it is expected no more."""
        self._append(_RESTORED, head)

    def newest(self) -> Head | None:
        """The head that the log must hold; None where the file is missing or empty. Raises HeadsAlteredError.

        Lines before the log was put back on purpose no longer count, altered or not.
        """
        found: Head | None = None
        altered = False
        for line in self._tail():
            noted = self._read(line)
            if noted is None:
                altered = True
            elif found is None or noted[0] == _RESTORED or noted[1].id > found.id:
                found, altered = noted[1], altered and noted[0] != _RESTORED
        if altered:
            raise HeadsAlteredError(self.path.name)
        return found

    def _append(self, kind: str, head: Head) -> None:
        facts = {"kind": kind, "id": head.id, "hash": head.hash}
        line = (json.dumps({**facts, "mac": self._mac(kind, head)}) + "\n").encode()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = os.fstat(file).st_size
            if os.write(file, line) != len(line):  # the disk is full: no half line stays
                os.ftruncate(file, before)
            os.fsync(file)
        finally:
            os.close(file)

    def _tail(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                lines = file.read().split(b"\n")
        except OSError:  # one that cannot be read is as good as none
            return
        # The first may be a piece of a line; what follows the last line end was cut by a crash.
        yield from lines[1 if size > _TAIL else 0 : -1]

    def _read(self, line: bytes) -> tuple[str, Head] | None:
        """The kind of a line and its head; None for a line that is not as we wrote it."""
        try:
            noted: dict[str, Any] = json.loads(line)
            kind, head = str(noted["kind"]), Head(int(noted["id"]), str(noted["hash"]))
            return (kind, head) if noted["mac"] == self._mac(kind, head) else None
        except (ValueError, KeyError, TypeError):
            return None

    def _mac(self, kind: str, head: Head) -> str:
        return self.keys.digest("audit heads", json.dumps([kind, head.id, head.hash])).hex()


def bind_heads(dialect: Any, heads: HeadFile) -> None:
    """Have the audit log of this engine note its heads in this file."""
    dialect.tici_heads = heads


def heads_of(dialect: Any) -> HeadFile | None:
    """The file of an engine's heads; None where it has none."""
    found = getattr(dialect, "tici_heads", None)
    return found if isinstance(found, HeadFile) else None


def keep_head(info: dict[Any, Any], head: Head) -> None:
    """Keep the head of a transaction, in what its session carries, until it is committed."""
    info[_KEPT] = head


def note_head(dialect: Any, info: dict[Any, Any]) -> None:
    """Note the head of a transaction that was committed, if it wrote to the log."""
    heads, head = heads_of(dialect), info.pop(_KEPT, None)
    if heads is not None and head is not None:
        heads.note(head)
