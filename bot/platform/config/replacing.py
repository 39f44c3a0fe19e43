"""Replaces a file in two steps: the new content is made durable beside it, then takes its place in an instant."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

Mark = tuple[int, ...]


@dataclass(frozen=True)
class Replacement:
    """New content that lies on the disk beside the file whose place it is to take."""

    target: Path
    beside: Path

    def put(self) -> None:
        """Rename it over the file: a reader sees the old or the new, never half. Raises OSError."""
        os.replace(self.beside, self.target)

    def settle(self) -> None:
        """Afterwards: make the renaming durable, or throw the content away where it never took place."""
        with suppress(FileNotFoundError):
            self.beside.unlink()
        with suppress(OSError):  # the content is safe in either place
            folder = os.open(self.target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def write_beside(path: Path, content: bytes) -> Replacement:
    """Write and fsync new content for a file, with the mode of the present one. Raises OSError, leaving nothing."""
    target = path.resolve()
    fresh = Replacement(target, target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp"))
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        with os.fdopen(os.open(fresh.beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.beside.unlink(missing_ok=True)
        raise
    return fresh


def mark_of(path: Path) -> Mark:
    """What tells, without reading it, that a file is still the same; () where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
