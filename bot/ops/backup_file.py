"""Backup file: the archive of a backup, sealed as a whole under a key derived from the data keys.

Nothing of it is believed before all of it has been checked: neither a row nor a name, nor where the archive ends.
After a line of header come pieces, each sealed with its number and whether it is the last one.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.platform.encryption import DataKeys
from bot.wecom.errors import BotError

MAGIC = b"TICI-BACKUP "
FORMAT = 2  # 1 was a plain ZIP file
PIECE = 1024 * 1024
_TAG = 16
_LONGEST_HEADER = 64 * 1024


class BadBackupError(BotError):
    """An archive that cannot be restored here; the text says why and what to do. Nothing was changed."""


@dataclass(frozen=True)
class _Cipher:
    """Seals and opens the pieces of one file. The key is of this file alone: its salt is random."""

    key: AESGCM
    header: bytes

    def seal(self, number: int, piece: bytes, *, last: bool) -> bytes:
        return self.key.encrypt(_nonce(number, last=last), piece, self.header)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        return self.key.decrypt(_nonce(number, last=last), sealed, self.header)


class _SealingFile(io.RawIOBase):
    """What is written to it goes, piece by piece, sealed into another file."""

    def __init__(self, out: IO[bytes], cipher: _Cipher) -> None:
        self._out, self._cipher = out, cipher
        self._waiting, self._number = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting += data
        while len(self._waiting) > PIECE:
            self._put(bytes(self._waiting[:PIECE]), last=False)
            del self._waiting[:PIECE]
        return len(data)

    def finish(self) -> None:
        """Write the last piece; a file without it does not open."""
        self._put(bytes(self._waiting), last=True)

    def _put(self, piece: bytes, *, last: bool) -> None:
        self._out.write(self._cipher.seal(self._number, piece, last=last))
        self._number += 1


class _OpenedFile(io.RawIOBase):
    """The content of a sealed file, to be read at any place; it keeps one piece in memory."""

    def __init__(self, file: IO[bytes], cipher: _Cipher, begins: int, ends: int) -> None:
        self._file, self._cipher, self._begins = file, cipher, begins
        sealed = ends - begins
        self._last = max(0, -(-sealed // (PIECE + _TAG)) - 1)
        self._size = max(0, sealed - (self._last + 1) * _TAG)
        self._at, self._kept = 0, (-1, b"")

    def check(self) -> None:
        """Open every piece once; raises InvalidTag where one is not as it was written."""
        for number in range(self._last + 1):
            self._piece(number)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        number, place = divmod(self._at, PIECE)
        if self._at >= self._size:
            return 0
        found = self._piece(number)[place : place + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _piece(self, number: int) -> bytes:
        if self._kept[0] != number:
            self._file.seek(self._begins + number * (PIECE + _TAG))
            sealed = self._file.read(PIECE + _TAG)
            self._kept = number, self._cipher.open(number, sealed, last=number == self._last)
        return self._kept[1]


@contextmanager
def sealed_archive(file: IO[bytes], keys: DataKeys, compression: int) -> Iterator[ZipFile]:
    """An archive to be written, sealed into `file`."""
    header = {"format": FORMAT, "salt": os.urandom(32).hex(), "keys": list(keys.ids)}
    line = MAGIC + orjson.dumps(header) + b"\n"
    file.write(line)
    sealing = _SealingFile(file, _cipher(keys, header["salt"], line))
    with ZipFile(sealing, "w", compression, compresslevel=1) as archive:
        yield archive
    sealing.finish()


@contextmanager
def opened_archive(path: Path, keys: DataKeys, *, old_format: bool = False) -> Iterator[ZipFile]:
    """The archive of a backup, once every byte of it has been checked; raises BadBackupError.

    old_format: take a backup of an earlier release as well, of which nobody can tell who wrote it.
    """
    if path.exists() and not path.is_file():  # a device would be read without end
        raise BadBackupError(f"{path} 不是文件")
    try:
        with path.open("rb") as file:
            with ZipFile(_content(file, path, keys, old_format=old_format)) as archive:
                yield archive
    except FileNotFoundError:
        raise BadBackupError(f"没有文件 {path}") from None
    except InvalidTag:
        raise BadBackupError(
            f"{path.name} 这份备份被改动过或没有传完整：没有读取其中任何内容，请换另一份备份"
        ) from None
    except (BadZipFile, OSError, EOFError):
        raise BadBackupError(f"{path.name} 不是 flask backup 做的备份，或者没有传完整") from None


def keys_missing(missing: Sequence[str]) -> str:
    """What to do where a backup needs keys that are not there."""
    return (
        "备份是用别的数据密钥加密的：先把做备份时的 var/data.keys（或 TICI_DATA_KEYS）放回来，再恢复。"
        f"缺少的密钥：{'、'.join(missing)}"
    )


def _content(file: IO[bytes], path: Path, keys: DataKeys, *, old_format: bool) -> IO[bytes] | io.BufferedReader:
    line = file.readline(_LONGEST_HEADER)
    if not line.startswith(MAGIC):
        if line.startswith(b"PK") and not old_format:
            raise BadBackupError(
                f"{path.name} 是旧格式的备份，没有认证：谁都可能改过它。确信它一直在自己手里，才加 --old-format 恢复"
            )
        file.seek(0)
        return file
    header = _header(line, path)
    missing = [key for key in header["keys"] if key not in keys.ids]
    if missing:
        raise BadBackupError(keys_missing(missing))
    opened = _OpenedFile(file, _cipher(keys, header["salt"], line), len(line), os.fstat(file.fileno()).st_size)
    opened.check()
    return io.BufferedReader(opened, PIECE)


def _header(line: bytes, path: Path) -> dict[str, Any]:
    try:
        header: dict[str, Any] = orjson.loads(line[len(MAGIC) :])
        version, salt, ids = header["format"], str(header["salt"]), [str(one) for one in header["keys"]]
    except (ValueError, KeyError, TypeError):
        raise BadBackupError(f"{path.name} 的开头被改动过或没有传完整，请换另一份备份") from None
    if version != FORMAT:
        raise BadBackupError(f"{path.name} 是别的版本的备份（格式 {version}），请用做它的那个版本恢复")
    return {"salt": salt, "keys": ids}


def _cipher(keys: DataKeys, salt: object, header: bytes) -> _Cipher:
    return _Cipher(AESGCM(keys.digest("backup file", str(salt))), sha256(header).digest())


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
