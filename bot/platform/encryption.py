"""Encrypts what people say and are called before it reaches the database: AES-GCM under a ring of data keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.platform.environment import SurroundingsError
from bot.platform.secret_files import make_once, replace
from taggers.translatable import Translatable

KEY_BYTES = 32
HEADER_BYTES = 5
_OF_NO_ROW, _OF_A_ROW = b"\x01", b"\x02"  # the first byte of what is sealed
_NONCE_BYTES = 12
_RELOAD_SECONDS = 2.0  # a key that `flask keys rotate` adds is used by every process within this time
_LINE = re.compile(r"(data|hash)[ :]+([A-Za-z0-9+/_-]{43}=?)")
_PREAMBLE = (
    "# 提词 Tici 的数据密钥：没有它，数据库里的消息、姓名、备注谁也读不出。请与数据库分开备份，不要删行。\n"
    "# The data keys of Tici. Without them nobody can read messages, names and notes. Back them up apart.\n"
)


class DataKeyError(SurroundingsError):
    """A data key is missing, malformed or not the one that sealed a value; the text says what to do."""


class MissingKeyError(DataKeyError):
    """The key that sealed a value is not there. The value is well: with the key it opens."""


class DamagedValueError(DataKeyError):
    """A value was altered or damaged: its key is there, and yet it does not open."""


@dataclass(frozen=True)
class _Ring:
    """The keys as last read: ciphers by key id, the id of the one that seals, and the key for keyed hashes."""

    ciphers: dict[bytes, AESGCM]
    current: bytes
    hash_key: bytes


@dataclass
class DataKeys:
    """The ring of data keys: the last one listed seals, every one of them opens.

    text: lines `data <base64 of 32 bytes>` and one `hash <base64 of 32 bytes>`; commas may replace line ends.
    path: the file they came from, read again when it changes; None where the environment holds them.
    A sealed value is: version (1 byte), key id (4), nonce (12), cipher text and tag. Version 2 belongs to a row.
    """

    text: str = field(repr=False)
    path: Path | None = None
    _ring: _Ring = field(init=False, repr=False)
    _stamp: int = field(init=False, default=0)
    _checked_at: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._ring = _parse(self.text, self.path)
        self._stamp, self._checked_at = self._changed_at(), time.monotonic()

    def seal(self, plain: bytes, where: bytes, row: bytes | None = None) -> bytes:
        """Seal a value under the current key. It only opens with the same `where` (table.column) and `row`."""
        if self.path is not None and time.monotonic() - self._checked_at > _RELOAD_SECONDS:
            self._reload_if_changed()
        ring, nonce = self._ring, os.urandom(_NONCE_BYTES)
        version, place = (_OF_NO_ROW, where) if row is None else (_OF_A_ROW, _in_row(where, row))
        return version + ring.current + nonce + ring.ciphers[ring.current].encrypt(nonce, plain, place)

    def open(self, sealed: bytes, where: bytes, row: bytes | None = None) -> bytes:
        """The plain value; raises DataKeyError where the key is missing or the value was tampered with.

        Values of earlier releases, which belong to no row, open in every row of their column until they are renewed.
        """
        key_id = sealed[1:HEADER_BYTES]
        if key_id not in self._ring.ciphers:
            self._reload_if_changed()
        cipher = self._ring.ciphers.get(key_id)
        known = sealed[:1] == _OF_NO_ROW or (sealed[:1] == _OF_A_ROW and row is not None)
        if known and len(key_id) == HEADER_BYTES - 1 and cipher is None:
            raise self.missing([key_id.hex()])
        nonce, rest = sealed[HEADER_BYTES : HEADER_BYTES + _NONCE_BYTES], sealed[HEADER_BYTES + _NONCE_BYTES :]
        try:
            if not known or cipher is None:
                raise InvalidTag
            return cipher.decrypt(nonce, rest, where if sealed[:1] == _OF_NO_ROW else _in_row(where, row or b""))
        except (InvalidTag, ValueError):  # ValueError: the nonce is cut
            raise DamagedValueError(
                Translatable(
                    "{where} 里有一个值被改动过或损坏，读不出；请从备份恢复"
                    " / a sealed value was altered or damaged, restore it from a backup",
                    where=where.decode(),
                )
            ) from None

    @property
    def header(self) -> bytes:
        """The first bytes of what is sealed under the current key and belongs to no row, such as files."""
        return _OF_NO_ROW + self._ring.current

    @property
    def row_header(self) -> bytes:
        """The first bytes of values of rows under the current key; rotation finds the others by it."""
        return _OF_A_ROW + self._ring.current

    @property
    def current_id(self) -> str:
        """The id of the key that seals."""
        return self._ring.current.hex()

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, oldest first."""
        return tuple(key_id.hex() for key_id in self._ring.ciphers)

    def digest(self, purpose: str, value: str) -> bytes:
        """A keyed hash of 32 bytes. Rotation keeps it equal; without the key nobody can test guesses against it."""
        return hashlib.blake2b(
            value.encode(), key=self._ring.hash_key, digest_size=32, person=purpose.encode()[:16]
        ).digest()

    def add_key(self) -> str:
        """Add a fresh key to the file, which seals from now on; returns its id. Raises DataKeyError."""
        if self.path is None:
            raise DataKeyError(
                "密钥在环境变量 TICI_DATA_KEYS 里，程序改不了它：请自己在末尾加一把（flask keys data-line 可生成），"
                "重启所有进程，再运行 flask keys rotate --no-new"
            )
        before = self.path.read_text(encoding="utf-8").rstrip("\n")
        replace(self.path, f"{before}\n{new_line()}\n".encode())
        self._reload_if_changed()
        return self.current_id

    def _reload_if_changed(self) -> None:
        self._checked_at = time.monotonic()
        if self.path is None or (changed := self._changed_at()) == self._stamp:
            return
        try:
            self.text = self.path.read_text(encoding="utf-8")
            self._ring = _parse(self.text, self.path)
        except (OSError, UnicodeDecodeError, DataKeyError):
            return  # the keys in memory stay valid; the next reload may find the file repaired
        self._stamp = changed

    def _changed_at(self) -> int:
        try:
            return self.path.stat().st_mtime_ns if self.path is not None else 0
        except OSError:
            return 0

    def missing(self, key_ids: Sequence[str]) -> MissingKeyError:
        """The error that says which keys are missing where, and which are there."""
        place = self.path or "TICI_DATA_KEYS"
        return MissingKeyError(
            Translatable(
                "数据库里有用密钥 {key} 加密的内容，而 {place} 里没有这把密钥（有的是 {names}）。"
                "请把原来的密钥文件恢复到 {place}（或把缺的那一行加进去），不要新建"
                " / the data key that sealed this is missing: restore the key file",
                key=list(key_ids),
                place=place,
                names=self.ids,
            )
        )

    def __reduce__(self) -> tuple[type[DataKeys], tuple[str, Path | None]]:
        return DataKeys, (self.text, self.path)


def _in_row(where: bytes, row: bytes) -> bytes:
    return where + b"\0" + row


def new_line() -> str:
    """A fresh data key as a line for the ring."""
    return f"data {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def new_keys_text() -> str:
    """The text of a new ring: one data key and the key for hashes."""
    return f"{_PREAMBLE}hash {base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n{new_line()}\n"


def open_data_keys(text: str | None, path: Path, is_fresh: Callable[[], bool]) -> DataKeys:
    """The ring from TICI_DATA_KEYS, else from its file, which is created unless the database already holds data.

    Raises DataKeyError, which says what to do.
    """
    if text:
        return DataKeys(text)
    if not path.exists():
        # Looked for a second time: another process may have created the key and the first rows meanwhile.
        if not is_fresh() and not path.exists():
            raise DataKeyError(
                Translatable(
                    "数据库里已有加密的数据，而密钥文件 {path} 不见了。请从备份恢复这个文件（或用 "
                    "TICI_DATA_KEYS_FILE 指向它）；没有它，原来的内容读不出"
                    " / the key file is missing, restore it from its backup",
                    path=path,
                )
            )
        make_once(path, new_keys_text().encode())
    try:
        return DataKeys(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataKeyError(
            Translatable(
                "密钥文件 {path} 读不了（{kind}）/ the key file is unreadable", path=path, kind=type(error).__name__
            )
        ) from None


def bind_keys(dialect: Any, keys: DataKeys) -> None:
    """Have the sealed columns of this engine use these keys."""
    dialect.tici_data_keys = keys


def keys_of(dialect: Any) -> DataKeys:
    """The keys of an engine; raises DataKeyError where none were bound."""
    keys = getattr(dialect, "tici_data_keys", None)
    if not isinstance(keys, DataKeys):
        raise DataKeyError("this database was opened without data keys: nothing sealed can be read or written")
    return keys


def _parse(text: str, path: Path | None) -> _Ring:
    place = path or "TICI_DATA_KEYS"
    data: list[bytes] = []
    hashes: list[bytes] = []
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    parts = [(number, part) for number, line in lines if not line.startswith("#") for part in line.split(",")]
    for number, part in parts:
        found = _LINE.fullmatch(part.strip())
        if not part.strip():
            continue
        if found is None:
            raise DataKeyError(
                Translatable(
                    "{place} 第 {number} 行不是密钥：应为 data 或 hash，空格，再接 32 字节的 base64"
                    " / line {number} is not a key",
                    place=place,
                    number=number,
                )
            )
        (data if found[1] == "data" else hashes).append(_decoded(found[2]))
    if not data or len(hashes) != 1:
        raise DataKeyError(
            Translatable(
                "{place} 里应有至少一行 data 和正好一行 hash，现在有 {data} 行 data、{hashes} 行 hash。"
                "请恢复原来的密钥 / data keys are incomplete, restore them",
                place=place,
                data=len(data),
                hashes=len(hashes),
            )
        )
    ids = [hashlib.sha256(b"tici data key" + key).digest()[: HEADER_BYTES - 1] for key in data]
    return _Ring({key_id: AESGCM(key) for key_id, key in zip(ids, data, strict=True)}, ids[-1], hashes[0])


def _decoded(word: str) -> bytes:
    try:
        return base64.b64decode(word.rstrip("=") + "=", altchars=b"-_" if re.search("[-_]", word) else None)
    except binascii.Error:
        return b""
