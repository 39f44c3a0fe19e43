"""The conversation archive through Tencent's native library, which lives in a child process of its own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.wecom import finance_child
from bot.wecom.archive import LARGEST_PULL, SHORTEST_CIPHER_TEXT, SealedRow, gather, read_rows
from bot.wecom.errors import UNREACHABLE, BotError, Remedy, UnreadableMessage, WeComError
from bot.wecom.finance_child import read_frame, write_frame
from bot.wecom.media import MediaChunk

_DECRYPT_SECONDS = 10.0
# What the library may take beyond the time-out it was given.
_GRACE_SECONDS = 15.0
_TRIES = 3
_PRIVATE = ("WECOM_", "TICI_")


class ChildDied(BotError):  # noqa: N818 - named for what happened
    """The library took its process down, or did not answer in time and was ended."""


@dataclass(frozen=True)
class Access:
    """What the library needs to reach one corp's archive. proxy: "" or http://host:port or socks5://host:port;
    proxy_password: "user:password"."""

    corp_id: str
    secret: str
    proxy: str = ""
    proxy_password: str = ""
    timeout: int = 10

    def __repr__(self) -> str:
        return f"Access({self.corp_id})"


class NativeArchive:
    """An ArchiveSource. One child per process, started at the first call and again whenever it dies."""

    def __init__(self, library: Path | str, access: Access) -> None:
        self._library, self._access = Path(library), access
        self._lock = threading.RLock()
        self._child: _Child | None = None

    def pull(self, seq: int, limit: int = LARGEST_PULL) -> list[SealedRow]:
        """See ArchiveSource. A dead token costs a fresh handle and one more try."""
        try:
            return gather(seq, limit, self._ask)
        except WeComError as error:
            if not error.refresh:
                raise
        with self._lock:
            self._close()
        return gather(seq, limit, self._ask)

    def _ask(self, seq: int, limit: int) -> list[SealedRow]:
        _, body = self._networked("pull", seq=seq, limit=limit)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            # The library passes on whatever the server or a proxy said.
            raise WeComError(None, "GetChatData brought no JSON", UNREACHABLE, "GetChatData") from None
        return read_rows(answer, seq)

    def decrypt(self, key: str, sealed: str) -> bytes:
        """See ArchiveSource. A row that takes the child down three times is unreadable."""
        if len(sealed) < SHORTEST_CIPHER_TEXT:
            raise UnreadableMessage("cipher text too short")
        for _ in range(_TRIES):
            try:
                head, body = self._call(_DECRYPT_SECONDS, "decrypt", key=key, sealed=sealed)
            except ChildDied:
                continue
            if head["rc"] != 0:
                raise UnreadableMessage(f"DecryptData {head['rc']}: {WeComError(head['rc'], '').remedy.advice}")
            return body
        raise UnreadableMessage(f"DecryptData brought its process down {_TRIES} times")

    def media(self, sdkfileid: str, index: str = "") -> MediaChunk:
        """See ArchiveSource."""
        head, body = self._networked("media", sdkfileid=sdkfileid, index=index)
        return MediaChunk(body, head["index"], head["finished"])

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._close()

    def _networked(self, do: str, **asked: Any) -> tuple[dict[str, Any], bytes]:
        """A call that goes to WeCom; its return codes become WeComErrors."""
        a = self._access
        to = {"proxy": a.proxy, "password": a.proxy_password, "timeout": a.timeout}
        try:
            head, body = self._call(a.timeout + _GRACE_SECONDS, do, **asked, **to)
        except ChildDied as error:
            raise WeComError(None, error, UNREACHABLE, do) from None
        if head["rc"] != 0:
            raise WeComError(head["rc"], f"{do} returned {head['rc']}", api=do)
        return head, body

    def _call(self, seconds: float, do: str, **asked: Any) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            child = self._running()
            try:
                return child.ask({"do": do, **asked}, seconds)
            except ChildDied:
                self._close()
                raise

    def _running(self) -> _Child:
        # After a fork the pipes are the parent's.
        if self._child is None or self._child.owner != os.getpid():
            self._child = _Child(self._library)
            try:
                asked = {"do": "open", "corp_id": self._access.corp_id, "secret": self._access.secret}
                head, _ = self._child.ask(asked, _GRACE_SECONDS)
            except ChildDied:
                self._close()
                raise
            if head["rc"] != 0:
                self._close()
                raise WeComError(head["rc"], f"Init returned {head['rc']}", api="Init")
        return self._child

    def _close(self) -> None:
        if self._child is not None and self._child.owner == os.getpid():
            self._child.end()
        self._child = None


class _Child:
    """The running child and the two pipes to it."""

    def __init__(self, library: Path) -> None:
        if not library.is_file():
            raise _unloadable(f"找不到文件 {library}")
        self.owner = os.getpid()
        requests, self._to = os.pipe()
        self._from, answers = os.pipe()
        try:
            self._process = self._start(library, requests, answers)
        finally:
            os.close(requests)
            os.close(answers)
        try:
            started = json.loads(self._frame(time.monotonic() + _GRACE_SECONDS))
        except ChildDied as error:
            started = {"failed": str(error)}
        if "failed" in started:
            self.end()
            raise _unloadable(started["failed"])

    @staticmethod
    def _start(library: Path, requests: int, answers: int) -> subprocess.Popen[bytes]:
        # The library is not ours: it gets no secret but what Init needs.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-I", finance_child.__file__, str(library.resolve()), str(requests), str(answers)],
            pass_fds=(requests, answers),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, request: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """Raises ChildDied when the child is gone or silent for so long."""
        ends = time.monotonic() + seconds
        try:
            write_frame(self._to, json.dumps(request).encode())
        except OSError:
            raise ChildDied("the archive library's process is gone") from None
        head: dict[str, Any] = json.loads(self._frame(ends))
        return head, self._frame(ends)

    def _frame(self, ends: float) -> bytes:
        waiting = select.poll()
        waiting.register(self._from, select.POLLIN)
        if not waiting.poll(max(ends - time.monotonic(), 0) * 1000):
            raise ChildDied("the archive library did not answer in time")
        try:
            return read_frame(self._from)
        except (EOFError, OSError):
            raise ChildDied("the archive library's process is gone") from None

    def end(self) -> None:
        """Kill it; safe whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for fd in (self._to, self._from):
            os.close(fd)


def _unloadable(reason: str) -> WeComError:
    advice = "存档 SDK 加载不了：核对 WECOM_FINANCE_SDK 的路径、CPU 架构、glibc ≥ 2.17 与 libz"
    return WeComError(None, reason, Remedy(advice, pause=True), "WECOM_FINANCE_SDK")
