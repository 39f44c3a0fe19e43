"""Takes room and time away from processes that run: files that may not grow, a clock that jumps."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FULL = 8192  # bytes a file may have while the disk is full; enough for a few lines of log


def children(pid: int) -> list[int]:
    """The processes it has started and that still run."""
    with suppress(OSError):
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in listed.split()]
    return []


def limit_files(pid: int, size: int) -> int | None:
    """Set the size beyond which a running process can write to no file; the limit before, None where it is gone."""
    try:
        before, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))
        return before
    except ProcessLookupError:
        return None
    except PermissionError:  # even root may be told so about another's process: ask as its owner
        wanted = "unlimited" if size == resource.RLIM_INFINITY else str(size)
        command = ["prlimit", "--pid", str(pid), f"--fsize={wanted}:unlimited"]
        owner = Path(f"/proc/{pid}").stat()
        done = subprocess.run(
            command, user=owner.st_uid, group=owner.st_gid, extra_groups=[], check=False, capture_output=True
        )
        return resource.RLIM_INFINITY if done.returncode == 0 else None


@contextmanager
def full_disk(pids: Iterable[int], size: int = FULL) -> Iterator[None]:
    """No file of these processes can grow, as on a full disk; needs neither root nor a file system of its own."""
    before = {pid: limit_files(pid, size) for pid in pids}
    try:
        yield
    finally:
        for pid, limit in before.items():
            if limit is not None:
                limit_files(pid, limit)


def shift_clock(path: Path, seconds: float) -> None:
    """Set everybody's clock forward, or back."""
    before = float(path.read_text()) if path.exists() else 0.0
    fresh = path.with_suffix(".new")
    fresh.write_text(str(before + seconds))
    fresh.replace(path)
