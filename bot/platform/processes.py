"""A process's name on leases, and whether the process of such a name is known to be dead.

A lease ends by itself after its seconds. A holder that was killed on this very machine need not be waited for.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_DEAD = ("Z", "X")  # ended, and not yet reaped by its parent


def name_process() -> str:
    """This process's name, at most 64 characters: host, place, time of its start, pid."""
    pid = os.getpid()
    return f"{socket.gethostname()[:30]}:{_place()}:{_started(pid)}:{pid}"


def known_dead(name: str) -> bool:
    """Whether that process lived here and has ended; False for another machine's or container's, which nobody here
    can see."""
    _, place, started, pid = [*name.split(":"), "", "", "", ""][:4]
    if not place or place != _place() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return _started(int(pid)) not in (started, "")


@cache
def _place() -> str:
    """What pids here belong to: this boot and this container (its pid namespace); "" where it cannot be told. The
    host's name as well: machines that were copied while they ran share their boot."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii")
        here = f"{boot}{os.readlink(_PROC / 'self/ns/pid')}{socket.gethostname()}"
        return hashlib.sha256(here.encode()).hexdigest()[:12]
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When that process began, in ticks since the boot: a pid is given out again, this is not. "dead" once it has
    ended, "" where it cannot be told."""
    try:
        after_name = (
            (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "dead" if after_name[0] in _DEAD else after_name[19]
