"""Loopback ports for the processes we start ourselves."""

from __future__ import annotations

import secrets
import socket

from bot.wecom.errors import BotError

# Below the range from which systems take ports for outgoing connections (Linux: 32768 and up): a number from there
# may be somebody's connection by the time our process gets to listen on it.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 100


class NoFreePortError(BotError):
    """Nothing was free after a hundred draws."""


def free_port(wanted: int = 0) -> int:
    """`wanted` if nobody listens there, else a free one. Whoever starts a process on it listens soon after."""
    if wanted and _is_free(wanted):
        return wanted
    for _ in range(_TRIES):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST)
        if _is_free(port):
            return port
    raise NoFreePortError("本机没有空闲端口")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its old connections linger for a minute
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
