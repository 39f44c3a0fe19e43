"""FinanceProcess: starts the archive library's process, sends it requests with a time-out, and ends it."""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

from bot.wecom import finance_child
from bot.wecom.errors import BotError
from bot.wecom.translatable import Translatable

_PRIVATE = ("WECOM_", "TICI_")
# More than any answer of the library's; a longer frame means that the pipe is out of step.
_LONGEST_FRAME = 512 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_STARTING_SECONDS = 15.0


class ChildDiedError(BotError):
    """The library aborted its process, or did not answer in time and was killed."""


class LibraryNotLoadableError(BotError):
    """The library cannot be loaded; the text is the loader's."""


class FinanceProcess:
    """A running child and the two pipes to it. It ends by itself once its owner is gone, even while busy."""

    def __init__(self, library: Path) -> None:
        """Raises LibraryNotLoadableError."""
        if not library.is_file():
            raise LibraryNotLoadableError(Translatable("找不到文件 {library}", library=library))
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        ours = (self._to, self._from)
        try:
            self._process = self._start(library, requests, answers)
        except OSError as error:
            _close(*ours)
            raise LibraryNotLoadableError(str(error)) from None
        finally:
            _close(requests, answers)
        for fd in ours:
            os.set_blocking(fd, False)
        # Killed also when the last reference goes or the interpreter exits.
        self._ending = weakref.finalize(self, _end, self._process, *ours)
        try:
            started = json.loads(self._read_frame(time.monotonic() + _STARTING_SECONDS))
        except ChildDiedError as error:
            started = {"failed": str(error)}
        if "failed" in started:
            self.end()
            raise LibraryNotLoadableError(started["failed"])

    @staticmethod
    def _start(library: Path, requests: int, answers: int) -> subprocess.Popen[bytes]:
        # The library is not ours: its environment holds no secret, it gets only what Init needs.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", finance_child.__file__, str(library.resolve()), str(requests), str(answers)],
            pass_fds=(requests, answers),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        """The pid of the child."""
        return self._process.pid

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """Send a request and return its answer; ChildDiedError when the child is gone or silent for `seconds`."""
        self.send(request, seconds)
        return self.answer(seconds)

    def send(self, request: dict[str, Any], seconds: float) -> None:
        """Send a request only; its answers, one or several, are read by `answer`."""
        data, ends = json.dumps(request).encode(), time.monotonic() + seconds
        left = memoryview(_LENGTH.pack(len(data)) + data)
        while left:
            self._wait(self._to, select.POLLOUT, ends)
            try:
                left = left[os.write(self._to, left) :]
            except BlockingIOError:
                continue
            except OSError:
                raise _gone() from None

    def answer(self, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Read the next answer. Raises ChildDiedError."""
        ends = time.monotonic() + seconds
        try:
            head = json.loads(self._read_frame(ends))
        except ValueError:
            raise ChildDiedError("the archive library's process spoke nonsense") from None
        return head, self._read_frame(ends)

    def _read_frame(self, ends: float) -> bytes:
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, ends))
        if length > _LONGEST_FRAME:
            raise ChildDiedError("the archive library's process spoke nonsense")
        return self._read(length, ends)

    def _read(self, length: int, ends: float) -> bytes:
        whole = bytearray()
        while len(whole) < length:
            self._wait(self._from, select.POLLIN, ends)
            try:
                piece = os.read(self._from, min(length - len(whole), 1 << 20))
            except BlockingIOError:
                continue
            except OSError:
                raise _gone() from None
            if not piece:
                raise _gone()
            whole += piece
        return bytes(whole)

    @staticmethod
    def _wait(fd: int, for_what: int, ends: float) -> None:
        waiting = select.poll()
        waiting.register(fd, for_what)
        if not waiting.poll(max(ends - time.monotonic(), 0) * 1000):
            raise ChildDiedError("the archive library did not answer in time")

    def end(self) -> None:
        """Kill the child; safe whatever it is doing."""
        self._ending()

    def abandon(self) -> None:
        """Close the pipes without ending the process: for a fork of the owner, whose child this is not."""
        self._ending.detach()
        self._process.returncode = 0  # else subprocess would wait for it, and warn
        _close(self._to, self._from)


def _end(process: subprocess.Popen[bytes], *pipes: int) -> None:
    process.kill()
    process.wait()
    _close(*pipes)


def _close(*pipes: int) -> None:
    for fd in pipes:
        os.close(fd)


def _gone() -> ChildDiedError:
    return ChildDiedError("the archive library's process is gone")
