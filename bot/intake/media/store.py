"""The media store: files of conversations by the hash of their content, sealed, in a folder or in an S3 bucket.

A download goes on where it was broken off, by whatever: each chunk is sealed and written before WeCom's name for the
next one is noted beside it, so that a killed process loses one chunk at most.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import puremagic

from bot.intake.media.storage import MediaStorage, open_storage
from bot.platform.encryption import DataKeys
from bot.wecom.errors import BotError, Remedy, UnreadableMessageError, WeComError
from bot.wecom.media import MediaChunk

if TYPE_CHECKING:
    from bot.system import System

AT_ONCE = 8.0  # seconds; the errand's lease is longer, and the next errand goes on
_HEAD = 4096  # enough to tell what a file is
_WHERE = "media_file.content"
_DIFFERS = Remedy("文件与企业微信给出的 md5 不符，重新下载", retry_after=5, tries=3)
Ask = Callable[[str, str], MediaChunk]


class DownloadBusyError(BotError):
    """Another process is fetching this very file."""


@dataclass(frozen=True)
class Fetched:
    """How far a download came. content: what the store calls it; sniffed: the media type its first bytes show."""

    done: bool
    size: int
    content: str = ""
    sniffed: str = ""


@dataclass
class _Progress:
    """What is known of a part beside it. index: WeCom's name for the next chunk; written: bytes of the part."""

    index: str = ""
    frames: int = 0
    size: int = 0
    written: int = 0


class MediaStore:
    """Contents by hash; nobody but who holds the data keys can read them, or tell by its name what a file is."""

    def __init__(self, place: MediaStorage, parts: Path, keys: DataKeys) -> None:
        self._place, self._parts, self._keys = place, parts, keys

    def fetch(self, ask: Ask, sdkfileid: str, name: str, md5: str, most: int, seconds: float = AT_ONCE) -> Fetched:
        """Fetch a file, or as much of it as there is time for; call again until it is done.

        ask: ArchiveSource.media. name: of the part, the same at every call. md5: as announced, or "". most: bytes.
        Raises UnreadableMessageError for a file that is too large or whose index does not advance, DownloadBusyError, and what `ask`
        raises.
        """
        ends = time.monotonic() + seconds
        with _Part(self._parts / f"{name}.part", self._keys) as part:
            while True:
                before = part.progress.index
                chunk = ask(sdkfileid, before)
                part.append(chunk)
                if part.progress.size > most:
                    part.discard()
                    raise UnreadableMessageError(f"文件大于 {most // 1024 // 1024} MB")
                if chunk.finished:
                    return self._finish(part, md5)
                try:
                    chunk.index_after(before)
                except UnreadableMessageError:
                    part.discard()
                    raise
                if time.monotonic() > ends:
                    return Fetched(False, part.progress.size)

    def read(self, content: str) -> Iterator[bytes]:
        """The content, piece by piece; raises Missing at once where there is none."""
        return _frames(self._place.open(content), self._keys)

    def has(self, content: str) -> bool:
        return self._place.has(content)

    def remove(self, content: str) -> None:
        """Delete a content; none is no error."""
        self._place.remove(content)

    def contents(self) -> Iterator[str]:
        """The names of all contents there are."""
        return self._place.names()

    def reseal(self, content: str) -> None:
        """Seal a content anew, under the data key that seals now."""
        with _Part(self._parts / f"{content}.reseal", self._keys) as part:
            part.restart()
            pieces = list(_frames(self._place.open(content), self._keys))
            for number, piece in enumerate(pieces):
                part.append(MediaChunk(piece, "", number == len(pieces) - 1))
            part.settle()
            self._place.put(content, part.path)  # takes the old one's place in one step
            part.discard()

    def is_stale(self, content: str) -> bool:
        """Whether a content is sealed under another key than the one that seals now."""
        with self._place.open(content) as source:
            head = _frame(source) or b""
        return head[: len(self._keys.header)] != self._keys.header

    def clean(self, before: float) -> int:
        """Drop parts untouched since then (a POSIX time); returns how many."""
        old = [path for path in self._parts.glob("*") if path.stat().st_mtime < before]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _finish(self, part: _Part, md5: str) -> Fetched:
        whole, announced, head, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), b"", 0
        for piece in part.pieces():
            whole.update(piece)
            announced.update(piece)
            size += len(piece)
            head += piece[: _HEAD - len(head)] if len(head) < _HEAD else b""
        if md5 and announced.hexdigest() != md5.lower():
            part.discard()
            raise WeComError(None, "md5 differs", _DIFFERS, "media")
        content = self._keys.digest("media", whole.hexdigest()).hex()
        self._keep(part, content)
        return Fetched(True, size, content, sniff(head))

    def _keep(self, part: _Part, content: str) -> None:
        part.settle()
        if not self._place.has(content):
            self._place.put(content, part.path)
        part.discard()


def open_media_store(system: System) -> MediaStore:
    """The store that TICI_MEDIA_URL names: `var/media` by default."""
    folder = system.environment.var / "media"
    return MediaStore(open_storage(system.environment.media_url, folder), folder / "parts", system.data_keys)


def sniff(head: bytes) -> str:
    """The media type that a file's first bytes show, whatever it is called; "" where they show none."""
    try:
        found = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return ""
    return next((match.mime_type for match in found if match.mime_type), "")[:100]


class _Part:
    """A file that is being written: sealed frames, each behind its length, and beside it how far it is."""

    def __init__(self, path: Path, keys: DataKeys) -> None:
        self.path, self._keys, self.progress = path, keys, _Progress()
        self._beside = path.with_suffix(path.suffix + ".json")

    def __enter__(self) -> _Part:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+b", opener=_private)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise DownloadBusyError from None
        self.progress = self._known()
        self._file.truncate(self.progress.written)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, chunk: MediaChunk) -> None:
        """Write a chunk, then note what comes next: in this order, or a kill would leave a hole."""
        sealed = self._keys.seal(chunk.data, _named(self.progress.frames, chunk.finished))
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._file.flush()
        at = self.progress
        self.progress = _Progress(
            chunk.next_index, at.frames + 1, at.size + len(chunk.data), at.written + 4 + len(sealed)
        )
        aside = self._beside.with_suffix(".new")
        aside.write_text(json.dumps(asdict(self.progress)))
        os.replace(aside, self._beside)

    def pieces(self) -> Iterator[bytes]:
        """What was written so far, opened."""
        return _frames(open(self.path, "rb"), self._keys)

    def settle(self) -> None:
        """Have it on the disk before it is called whole."""
        os.fsync(self._file.fileno())

    def restart(self) -> None:
        self.progress = _Progress()
        self._file.truncate(0)

    def discard(self) -> None:
        self._beside.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _known(self) -> _Progress:
        try:
            known = _Progress(**json.loads(self._beside.read_text()))
        except (OSError, ValueError, TypeError):
            return _Progress()
        return known if self.path.stat().st_size >= known.written else _Progress()


def _frames(source: BinaryIO, keys: DataKeys) -> Iterator[bytes]:
    """The pieces of a sealed file; that the last one is missing is noticed as well as any change."""

    def opened() -> Iterator[bytes]:
        with source:
            number, sealed = 0, _frame(source)
            while sealed is not None:
                following = _frame(source)
                yield keys.open(sealed, _named(number, following is None))
                number, sealed = number + 1, following

    return opened()


def _frame(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    return source.read(length)


def _named(number: int, last: bool) -> bytes:
    return f"{_WHERE}:{number}{'!' if last else ''}".encode()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
