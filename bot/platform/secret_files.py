"""Writes files that hold a secret: readable by their owner only, made once even if processes start together."""

from __future__ import annotations

import secrets
from pathlib import Path


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
