"""RsaProcesses: private-key operations on all cores beside a busy Python, in child processes started once."""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from bot.wecom import rsa_child

Wrapped = tuple[int, str]
"""A key's version and a random key wrapped by it."""
SHARE = 32  # rows that a child has before it at a time: what bounds the memory of both sides
_ANSWER_SECONDS = 30.0
_BEHIND_OWNER = 5  # steps of niceness
_LENGTH = struct.Struct(">I")
_PRIVATE = ("WECOM_", "TICI_")


class _Child:
    """One process. It ends by itself once its owner is gone, and with the last reference to it."""

    def __init__(self, pems: Mapping[int, str]) -> None:
        """Raises OSError where no process can be started."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", rsa_child.__file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.pid = self._process.pid
        with suppress(OSError, AttributeError):  # the owner is what everything waits for: it goes first on each core
            os.setpriority(os.PRIO_PROCESS, self.pid, os.getpriority(os.PRIO_PROCESS, 0) + _BEHIND_OWNER)
        self.end = weakref.finalize(self, _end, self._process, os.getpid())
        self._send({str(version): pem for version, pem in pems.items()})

    def ask(self, rows: Sequence[Wrapped]) -> list[str | None]:
        """Raises OSError where the child is gone or silent."""
        self._send(rows)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        opened: list[str | None] = json.loads(self._read(length))
        return opened

    def _send(self, what: Any) -> None:
        data = json.dumps(what).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(_LENGTH.pack(len(data)) + data)
        self._process.stdin.flush()

    def _read(self, length: int) -> bytes:
        whole, fd = b"", self._process.stdout.fileno() if self._process.stdout else -1
        waiting = select.poll()
        waiting.register(fd, select.POLLIN)
        while len(whole) < length:
            if not waiting.poll(_ANSWER_SECONDS * 1000):
                raise TimeoutError("an RSA process does not answer")
            piece = os.read(fd, length - len(whole))
            if not piece:
                raise ConnectionError("an RSA process is gone")
            whole += piece
        return whole


class RsaProcesses:
    """So many children with these private keys (PEM by version), each asked by one thread of ours."""

    def __init__(self, pems: Mapping[int, str], count: int) -> None:
        """Raises OSError where no process can be started."""
        self.pems, self.count, self.owner = dict(pems), count, os.getpid()
        self._children: SimpleQueue[_Child | None] = SimpleQueue()
        self._started = [_Child(self.pems) for _ in range(count)]
        for child in self._started:
            self._children.put(child)

    @property
    def pids(self) -> list[int]:
        """The processes that were started last."""
        return [child.pid for child in self._started]

    def open(self, rows: Sequence[Wrapped]) -> list[str | None]:
        """The opened keys in the order of the rows; None where this could not be done here, for whatever reason."""
        shares = [rows[at : at + SHARE] for at in range(0, len(rows), SHARE)]
        with ThreadPoolExecutor(self.count, thread_name_prefix="rsa") as threads:
            return [key for share in threads.map(self._open_share, shares) for key in share]

    def end(self) -> None:
        """End the children."""
        for child in self._started:
            child.end()

    def _open_share(self, rows: Sequence[Wrapped]) -> list[str | None]:
        child = self._children.get()
        try:
            for _ in range(2):  # one that died is replaced, and its share done again
                with suppress(OSError, ValueError, struct.error):
                    child = child or self._replacement()
                    return child.ask(rows)
                if child is not None:
                    child.end()
                child = None
            return [None] * len(rows)
        finally:
            self._children.put(child)

    def _replacement(self) -> _Child:
        child = _Child(self.pems)
        self._started = [known for known in self._started if known.end.alive] + [child]
        return child


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() == owner:
        process.kill()
    else:  # a fork of the owner, whose child this is not: else subprocess would wait for it, and warn
        process.returncode = 0
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            if pipe is not None:
                pipe.close()
    process.wait()
