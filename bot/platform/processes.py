"""Names a process for its leases, and tells whether the process of such a name is known to be dead.

A lease expires by itself; where its holder was killed on this machine, its successor need not wait for that.
"""

from __future__ import annotations

import hashlib
import os
import socket
from functools import cache
from pathlib import Path

_PROC = Path("/proc")
_DEAD = ("Z", "X")  # states in /proc/PID/stat: ended, not yet reaped by its parent


def name_process() -> str:
    """This process's name, at most 64 characters: host, pid namespace, start time, pid."""
    pid = os.getpid()
    return f"{socket.gethostname()[:30]}:{_pid_namespace()}:{_started(pid)}:{pid}"


def known_dead(name: str) -> bool:
    """Whether that process ran here and has ended; False for those of another machine or container."""
    _, place, started, pid = [*name.split(":"), "", "", "", ""][:4]
    if not place or place != _pid_namespace() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return _started(int(pid)) not in (started, "")


@cache
def _pid_namespace() -> str:
    """Identifies what pids are unique in: this boot and this pid namespace; "" where it cannot be told.

    The host's name is part of it: virtual machines that were copied while running share their boot id.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii")
        here = f"{boot}{os.readlink(_PROC / 'self/ns/pid')}{socket.gethostname()}"
        return hashlib.sha256(here.encode()).hexdigest()[:12]
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When that process began, in ticks since the boot: pids are reused, pid and start time together are not.

    "dead" once it has ended, "" where it cannot be told.
    """
    try:
        after_name = (
            (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "dead" if after_name[0] in _DEAD else after_name[19]
