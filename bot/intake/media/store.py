"""Media store: files of conversations by the hash of their content, sealed, in a folder or in an S3 bucket.

A download goes on where it was interrupted: each chunk is sealed and written before WeCom's index of the next one is
noted beside it, so that a killed process loses one chunk at most.
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

FETCH_SECONDS = 8.0  # well within the outbox row's lease of 20 s; the next row goes on from there
_HEAD_BYTES = 4096  # enough to tell what a file is
_COLUMN = "media_file.content"
_MD5_DIFFERS = Remedy("文件与企业微信给出的 md5 不符，重新下载", retry_after=5, tries=3)
FetchChunk = Callable[[str, str], MediaChunk]


class DownloadBusyError(BotError):
    """Another process is fetching this very file."""


@dataclass(frozen=True)
class FileRequest:
    """A file to fetch. name: of its part, the same at every call; md5: as announced, or ""; most: bytes allowed."""

    sdkfileid: str
    name: str
    md5: str
    most: int


@dataclass(frozen=True)
class Fetched:
    """How far a download came. content: what the store calls it; sniffed: the media type its first bytes show."""

    done: bool
    size: int
    content: str = ""
    sniffed: str = ""


@dataclass
class _Progress:
    """How far a part is, noted beside it. index: WeCom's name for the next chunk; written: bytes of the part."""

    index: str = ""
    frames: int = 0
    size: int = 0
    written: int = 0


class MediaStore:
    """Contents by hash; only with the data keys can they be read, or a known file be recognised by its name."""

    def __init__(self, storage: MediaStorage, parts: Path, keys: DataKeys) -> None:
        self._storage, self._parts, self._keys = storage, parts, keys

    def fetch(self, fetch_chunk: FetchChunk, wanted: FileRequest, seconds: float = FETCH_SECONDS) -> Fetched:
        """Fetch a file, or as much of it as there is time for; call again until it is done.

        fetch_chunk: ArchiveSource.media. Raises UnreadableMessageError for a file that is too large or whose index
        does not advance, DownloadBusyError, and what `fetch_chunk` raises.
        """
        ends = time.monotonic() + seconds
        with _Part(self._parts / f"{wanted.name}.part", self._keys) as part:
            while True:
                before = part.progress.index
                chunk = fetch_chunk(wanted.sdkfileid, before)
                part.append(chunk)
                if part.progress.size > wanted.most:
                    part.discard()
                    raise UnreadableMessageError(f"文件大于 {wanted.most // 1024 // 1024} MB")
                if chunk.finished:
                    return self._finish(part, wanted.md5)
                try:
                    chunk.index_after(before)
                except UnreadableMessageError:
                    part.discard()
                    raise
                if time.monotonic() > ends:
                    return Fetched(False, part.progress.size)

    def read(self, content: str) -> Iterator[bytes]:
        """The content, piece by piece; raises MissingFileError at once where there is none."""
        return _frames(self._storage.open(content), self._keys)

    def has(self, content: str) -> bool:
        return self._storage.has(content)

    def remove(self, content: str) -> None:
        """Delete a content; none is no error."""
        self._storage.remove(content)

    def contents(self) -> Iterator[str]:
        """The names of all contents there are."""
        return self._storage.names()

    def reseal(self, content: str) -> None:
        """Seal a content anew, under the data key that seals now."""
        with _Part(self._parts / f"{content}.reseal", self._keys) as part:
            part.restart()
            pieces = list(_frames(self._storage.open(content), self._keys))
            for number, piece in enumerate(pieces):
                part.append(MediaChunk(piece, "", number == len(pieces) - 1))
            part.sync()
            self._storage.put(content, part.path)  # takes the old one's place in one step
            part.discard()

    def is_stale(self, content: str) -> bool:
        """Whether a content is sealed under another key than the one that seals now."""
        with self._storage.open(content) as source:
            head = _frame(source) or b""
        return head[: len(self._keys.header)] != self._keys.header

    def remove_stale_parts(self, before: float) -> int:
        """Delete parts of downloads that were not touched since `before` (a POSIX time); returns how many."""
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
            head += piece[: _HEAD_BYTES - len(head)] if len(head) < _HEAD_BYTES else b""
        if md5 and announced.hexdigest() != md5.lower():
            part.discard()
            raise WeComError(None, "md5 differs", _MD5_DIFFERS, "media")
        content = self._keys.digest("media", whole.hexdigest()).hex()
        self._keep(part, content)
        return Fetched(True, size, content, sniff(head))

    def _keep(self, part: _Part, content: str) -> None:
        part.sync()
        if not self._storage.has(content):
            self._storage.put(content, part.path)
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
    """A file that is being written: sealed frames, each after its length, and in a second file how far it is."""

    def __init__(self, path: Path, keys: DataKeys) -> None:
        self.path, self._keys, self.progress = path, keys, _Progress()
        self._progress_file = path.with_suffix(path.suffix + ".json")

    def __enter__(self) -> _Part:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self.path, "a+b", opener=_owner_only)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise DownloadBusyError from None
        self.progress = self._read_progress()
        self._file.truncate(self.progress.written)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, chunk: MediaChunk) -> None:
        """Write a chunk, then note what comes next: in this order, or a kill would leave a hole."""
        sealed = self._keys.seal(chunk.data, _associated_data(self.progress.frames, chunk.finished))
        self._file.write(struct.pack(">I", len(sealed)) + sealed)
        self._file.flush()
        at = self.progress
        self.progress = _Progress(
            chunk.next_index, at.frames + 1, at.size + len(chunk.data), at.written + 4 + len(sealed)
        )
        aside = self._progress_file.with_suffix(".new")
        aside.write_text(json.dumps(asdict(self.progress)))
        os.replace(aside, self._progress_file)

    def pieces(self) -> Iterator[bytes]:
        """What was written so far, opened."""
        return _frames(open(self.path, "rb"), self._keys)

    def sync(self) -> None:
        """Have it on the disk before it is called whole: a power cut must not leave an empty file of that name."""
        os.fsync(self._file.fileno())

    def restart(self) -> None:
        self.progress = _Progress()
        self._file.truncate(0)

    def discard(self) -> None:
        self._progress_file.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)

    def _read_progress(self) -> _Progress:
        try:
            known = _Progress(**json.loads(self._progress_file.read_text()))
        except (OSError, ValueError, TypeError):
            return _Progress()
        return known if self.path.stat().st_size >= known.written else _Progress()


def _frames(source: BinaryIO, keys: DataKeys) -> Iterator[bytes]:
    """The pieces of a sealed file; a missing end is detected as any other change is, for the last frame is marked."""

    def opened() -> Iterator[bytes]:
        with source:
            number, sealed = 0, _frame(source)
            while sealed is not None:
                following = _frame(source)
                yield keys.open(sealed, _associated_data(number, following is None))
                number, sealed = number + 1, following

    return opened()


def _frame(source: BinaryIO) -> bytes | None:
    head = source.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    return source.read(length)


def _associated_data(number: int, last: bool) -> bytes:
    return f"{_COLUMN}:{number}{'!' if last else ''}".encode()


def _owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
