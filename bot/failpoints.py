"""Named points on the path of a message at which a test can have the process killed."""

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
    "committed",  # all of it durable, nobody woken
    "event",  # a callback event half handled
    "claimed",  # an outbox row leased, WeCom not called
    "sent",  # WeCom called, outcome not recorded
    "recorded",
)

_wanted, _, _nth = os.environ.get("FAIL_AT", "").partition(":")
_passed = 0


def passing(point: str) -> None:
    """Kill this process with SIGKILL when FAIL_AT=point:n names its n-th pass here; else do nothing."""
    global _passed
    if point != _wanted:
        return
    _passed += 1
    if _passed == int(_nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
