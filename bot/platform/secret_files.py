"""Writes files that hold a secret: readable by their owner only, made once even if processes start together."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def keep_private(var: Path) -> None:
    """Have what this process and its children write be readable by their owner only, and shut the folder of state.

    Earlier releases left files in it that anybody on the machine could read.
    """
    os.umask(0o077)
    with suppress(OSError):  # not there yet, or somebody else's: the doctor tells
        if var.stat().st_mode & 0o077:
            var.chmod(var.stat().st_mode & 0o7700)


def make_once(path: Path, content: bytes) -> None:
    """Write a new file whole, with mode 0600; where one is there already, it stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = _beside(path, content)
    try:
        path.hardlink_to(fresh)  # unlike a rename, this fails where another process was first
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def replace(path: Path, content: bytes) -> None:
    """Replace the content in one step: a reader sees the old or the new."""
    _beside(path, content).replace(path)


def _beside(path: Path, content: bytes) -> Path:
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    return fresh
