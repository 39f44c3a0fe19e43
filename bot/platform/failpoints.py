"""Failpoints: named points on the path of a message at which a test can have the process killed."""

from __future__ import annotations

import os
import signal

POINTS = (
    "pulled",  # rows fetched, nothing decrypted
    "decrypted",  # messages readable, nothing stored
    "stored",  # inside the transaction, from here ...
    "tagged",
    "moved",
    "planned",
    "completed",
    "cursor",  # ... to here
    "committed",  # all of it durable, no job enqueued yet
    "event",  # inside the transaction that handles a callback event
    "claimed",  # an outbox row leased, WeCom not called
    "sent",  # WeCom called, outcome not recorded
    "recorded",
)

_KILL, _FREEZE = signal.SIGKILL, signal.SIGSTOP


class _Armed:
    """The failpoint at which this process ends, and how many passes are left until then."""

    def __init__(self, order: str) -> None:
        self.point, nth, *how = [*order.split(":"), ""][:3]
        self.left = int(nth or 1)
        self.signal = _FREEZE if how == ["freeze"] else _KILL


_armed = _Armed(os.environ.get("FAIL_AT", ""))


def arm(order: str) -> None:
    """Have this process killed at its n-th pass from now on through a point: "sent:2", or "sent:2:freeze"."""
    global _armed
    _armed = _Armed(order)


def failpoint(point: str) -> None:
    """End (or freeze) this process with a signal when FAIL_AT=point:n names its n-th pass here; else do nothing."""
    if not point or point != _armed.point:
        return
    _armed.left -= 1
    if _armed.left == 0:
        os.kill(os.getpid(), _armed.signal)
