"""Finds free loopback ports for the processes we start ourselves."""

from __future__ import annotations

import secrets
import socket

from bot.wecom.errors import BotError

# Below the range from which systems take ports for outgoing connections (Linux: 32768 and up): a number from there
# may be taken by a connection before our process listens on it.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 100


class NoFreePortError(BotError):
    """No free port was found after a hundred draws."""


def free_port(wanted: int = 0) -> int:
    """`wanted` if it is free, else another. It is not reserved: the caller starts its process at once."""
    if wanted and _is_free(wanted):
        return wanted
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if _is_free(port):
            return port
    raise NoFreePortError("本机没有空闲端口")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # else our own server's port counts as taken for a minute after it ended (TIME_WAIT)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
