"""NativeArchive: the conversation archive through Tencent's native library, in a child process of its own."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from bot.wecom.archive import LARGEST_PULL, SHORTEST_CIPHER_TEXT, Decrypted, SealedRow, gather, read_rows
from bot.wecom.errors import UNREACHABLE, Remedy, UnreadableMessageError, WeComError
from bot.wecom.finance_process import ChildDiedError, FinanceProcess, LibraryNotLoadableError
from bot.wecom.media import MediaChunk
from bot.wecom.translatable import Translatable

_INIT_SECONDS, _DECRYPT_SECONDS = 15.0, 10.0
# How long the library may exceed the time-out it was given.
_GRACE_SECONDS = 15.0
_TRIES = 3
# Rows, and characters of them, that are sent to the child in one request.
_BATCH_ROWS, _BATCH_CHARACTERS = 250, 4_000_000
# A child that has grown to this size (the library leaks) is replaced.
_LARGEST_KIB = 1024 * 1024


@dataclass(frozen=True)
class ArchiveAccess:
    """Credentials and proxy with which the library reaches one corp's archive.

    proxy: "" or http://host:port or socks5://host:port; proxy_password: "user:password".
    """

    corp_id: str
    secret: str
    proxy: str = ""
    proxy_password: str = ""
    timeout: int = 10

    def __repr__(self) -> str:
        return f"Access({self.corp_id})"


class NativeArchive:
    """An ArchiveSource. One child per process, started at the first call and again whenever it dies.

    Threads take turns. A forked process uses a child of its own. `close` ends the child, the next call starts one.
    """

    def __init__(self, library: Path | str, access: ArchiveAccess) -> None:
        self._library, self._access = Path(library), access
        self._lock = threading.RLock()
        self._child: FinanceProcess | None = None
        _all.add(self)

    def pull(self, seq: int, limit: int = LARGEST_PULL) -> list[SealedRow]:
        """See ArchiveSource. A dead token is answered with a new handle and one more try."""
        try:
            return gather(seq, limit, self._ask)
        except WeComError as error:
            if not error.refresh:
                raise
        self.close()
        return gather(seq, limit, self._ask)

    def _ask(self, seq: int, limit: int) -> list[SealedRow]:
        _, body = self._networked("pull", seq=seq, limit=limit)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            # The library passes on whatever the server or a proxy answered.
            raise WeComError(None, "GetChatData brought no JSON", UNREACHABLE, "GetChatData") from None
        return read_rows(answer, seq)

    def decrypt(self, key: str, sealed: str) -> bytes:
        """See ArchiveSource."""
        (found,) = self.decrypt_many([(key, sealed)])
        if isinstance(found, UnreadableMessageError):
            raise found
        return found

    def decrypt_many(self, rows: Sequence[tuple[str, str]]) -> list[Decrypted]:
        """See ArchiveSource. A row that kills the child three times is unreadable; other rows are not affected."""
        found: list[Decrypted] = []
        while len(found) < len(rows):
            found += self._decrypt_batch(_batch(rows, len(found)))
        return found

    def _decrypt_batch(self, rows: Sequence[tuple[str, str]]) -> list[Decrypted]:
        """The answers up to the first missing one, which is of the row that killed the child."""
        found: list[Decrypted] = []
        tries = 0
        while len(found) < len(rows):
            before = len(found)
            try:
                for answer in self._decrypted(rows[before:]):
                    found.append(answer)  # noqa: PERF402 - the answers before the failure count
            except ChildDiedError:
                tries = tries + 1 if len(found) == before else 1
                if tries == _TRIES:
                    found.append(UnreadableMessageError(f"DecryptData brought its process down {_TRIES} times"))
                    tries = 0
        return found

    def _decrypted(self, rows: Sequence[tuple[str, str]]) -> Iterator[Decrypted]:
        safe = [row for row in rows if len(row[1]) >= SHORTEST_CIPHER_TEXT]
        with self._lock:
            child = self._running()
            try:
                child.send({"do": "decrypt", "rows": safe}, _DECRYPT_SECONDS)
                for _, sealed in rows:
                    if len(sealed) < SHORTEST_CIPHER_TEXT:
                        yield UnreadableMessageError("cipher text too short")
                    else:
                        head, body = child.answer(_DECRYPT_SECONDS)
                        yield body if head["rc"] == 0 else _refused(head["rc"])
            except BaseException:  # unread answers would be taken for those of the next request
                self._end()
                raise

    def media(self, sdkfileid: str, index: str = "") -> MediaChunk:
        """See ArchiveSource."""
        head, body = self._networked("media", sdkfileid=sdkfileid, index=index)
        return MediaChunk(body, head["index"], head["finished"])

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _networked(self, do: str, **asked: Any) -> tuple[dict[str, Any], bytes]:
        """Make a call that goes to WeCom; its return codes become WeComErrors."""
        a = self._access
        to = {"proxy": a.proxy, "password": a.proxy_password, "timeout": a.timeout}
        try:
            head, body = self._call(a.timeout + _GRACE_SECONDS, do, **asked, **to)
        except ChildDiedError as error:
            raise WeComError(None, error, UNREACHABLE, do) from None
        if head["rc"] != 0:
            raise WeComError(head["rc"], f"{do} returned {head['rc']}", api=do)
        return head, body

    def _call(self, seconds: float, do: str, **asked: Any) -> tuple[dict[str, Any], bytes]:
        with self._lock:
            child = self._running()
            try:
                head, body = child.ask({"do": do, **asked}, seconds)
            except BaseException:
                self._end()
                raise
            if head.get("kib", 0) > _LARGEST_KIB:
                self._end()
            return head, body

    def _running(self) -> FinanceProcess:
        if self._child is None:
            try:
                self._child = FinanceProcess(self._library)
                asked = {"do": "open", "corp_id": self._access.corp_id, "secret": self._access.secret}
                head, _ = self._child.ask(asked, _INIT_SECONDS)
            except LibraryNotLoadableError as error:
                raise unloadable(str(error)) from None
            except ChildDiedError as error:
                self._end()
                raise unloadable(f"Init: {error}") from None
            except BaseException:
                self._end()
                raise
            if head["rc"] != 0:
                self._end()
                raise WeComError(head["rc"], f"Init returned {head['rc']}", api="Init")
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _forked(self) -> None:
        # The parent's other thread may have held the lock, and the child belongs to the parent.
        self._lock = threading.RLock()
        child, self._child = self._child, None
        if child is not None:
            child.abandon()


_all: WeakSet[NativeArchive] = WeakSet()


def _after_fork() -> None:
    for archive in list(_all):
        archive._forked()


os.register_at_fork(after_in_child=_after_fork)


def _batch(rows: Sequence[tuple[str, str]], start: int) -> Sequence[tuple[str, str]]:
    end, characters = start, 0
    while end < len(rows) and end - start < _BATCH_ROWS:
        characters += len(rows[end][1])
        if characters > _BATCH_CHARACTERS and end > start:
            break
        end += 1
    return rows[start:end]


def _refused(rc: int) -> UnreadableMessageError:
    return UnreadableMessageError(f"DecryptData {rc}: {WeComError(rc, '').remedy.advice}")


def unloadable(reason: str) -> WeComError:
    """The error of a library that cannot be loaded: a person must mend it."""
    advice = "存档 SDK 加载不了：核对 WECOM_FINANCE_SDK 的路径、CPU 架构、glibc ≥ 2.17 与 libz"
    return WeComError(None, reason, Remedy(Translatable(advice), pause=True), "WECOM_FINANCE_SDK")
