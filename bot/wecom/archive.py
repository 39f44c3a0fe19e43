"""ArchiveSource: the interface to the conversation archive, and its adapter that reads the sandbox over HTTP."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.wecom.api import WeComClient
from bot.wecom.errors import UnreadableMessageError, WeComError
from bot.wecom.media import MediaChunk, ask_media
from bot.wecom.plain import clean, small_number, whole_number

LARGEST_PULL = 1000
_TOO_LARGE = 301058
_NONCE = 12
# Characters. On a shorter one the native library aborts its process.
SHORTEST_CIPHER_TEXT = 13


@dataclass(frozen=True)
class SealedRow:
    """A row of the archive as received: a random key sealed by RSA, and the message sealed by that key."""

    seq: int
    msgid: str
    publickey_ver: int
    encrypt_random_key: str = field(repr=False)
    encrypt_chat_msg: str = field(repr=False)


Decrypted: TypeAlias = "bytes | UnreadableMessageError"


class ArchiveSource(Protocol):
    """A conversation archive. A failure is a WeComError or, for one row alone, an UnreadableMessageError."""

    def pull(self, seq: int, limit: int = LARGEST_PULL) -> list[SealedRow]:
        """Rows with a seq greater than the given one, ascending; if there are `limit` of them, there may be more."""

    def decrypt(self, key: str, sealed: str) -> bytes:
        """The JSON of one message. `key` is what KeyRing.unwrap returned."""

    def decrypt_many(self, rows: Sequence[tuple[str, str]]) -> list[Decrypted]:
        """`decrypt` for each (key, sealed), in order; an unreadable row's exception is returned in its place."""

    def media(self, sdkfileid: str, index: str = "") -> MediaChunk:
        """The chunk of a media file at `index` ("" is the first)."""


class SandboxArchive:
    """The archive of a WeCom whose message/getchatdata answers plain JSON: the sandbox."""

    def __init__(self, client: WeComClient) -> None:
        self._client = client

    def pull(self, seq: int, limit: int = LARGEST_PULL) -> list[SealedRow]:
        """See ArchiveSource."""
        return gather(seq, limit, self._ask)

    def _ask(self, seq: int, limit: int) -> list[SealedRow]:
        answer = self._client.post("message/getchatdata", data={"seq": seq, "limit": limit})
        return read_rows(answer, seq)

    def decrypt(self, key: str, sealed: str) -> bytes:
        """base64(nonce || AES-256-GCM), key = sha256 of the random key's characters."""
        if len(sealed) < SHORTEST_CIPHER_TEXT:
            raise UnreadableMessageError("cipher text too short")
        try:
            block = base64.b64decode(sealed, validate=True)
            cipher = AESGCM(hashlib.sha256(key.encode()).digest())
            return cipher.decrypt(block[:_NONCE], block[_NONCE:], None)
        except (binascii.Error, ValueError, InvalidTag):
            raise UnreadableMessageError("cipher text cannot be decrypted with this key") from None

    def decrypt_many(self, rows: Sequence[tuple[str, str]]) -> list[Decrypted]:
        """See ArchiveSource."""
        return [self._tried(key, sealed) for key, sealed in rows]

    def _tried(self, key: str, sealed: str) -> Decrypted:
        try:
            return self.decrypt(key, sealed)
        except UnreadableMessageError as error:
            return error

    def media(self, sdkfileid: str, index: str = "") -> MediaChunk:
        """See ArchiveSource; `index` is a byte range as the native library writes it."""
        return ask_media(self._client, sdkfileid, index)


def read_rows(answer: object, after: int) -> list[SealedRow]:
    """The rows of a getchatdata answer, ascending and greater than `after`; errcodes become WeComError.

    A row that lacks what is needed to open it is kept with empty fields, so that it ends in quarantine. Only a row
    without a usable seq is an error: the cursor could not pass it.
    """
    if not isinstance(answer, Mapping):
        raise WeComError(None, "getchatdata answered something else than an object", api="getchatdata")
    errcode = whole_number(answer.get("errcode", 0))
    if errcode != 0:
        raise WeComError(errcode, answer.get("errmsg", ""), api="getchatdata")
    chatdata = answer.get("chatdata") or []
    if not isinstance(chatdata, list):
        raise WeComError(None, "chatdata is not a list", api="getchatdata")
    rows = sorted((_row(item) for item in chatdata), key=lambda row: row.seq)
    return [row for row in rows if row.seq > after]


def _row(item: object) -> SealedRow:
    get: Callable[[str], Any] = item.get if isinstance(item, Mapping) else lambda _: None
    seq = whole_number(get("seq"))
    if seq is None or seq < 0:
        raise WeComError(None, "a row of chatdata has no seq", api="getchatdata")
    # Cleaned to what a database stores: rows that cannot be opened go into quarantine.
    texts = (get("msgid"), get("encrypt_random_key"), get("encrypt_chat_msg"))
    msgid, key, sealed = (clean(text) if isinstance(text, str) else "" for text in texts)
    return SealedRow(seq, msgid, small_number(get("publickey_ver")), key, sealed)


def gather(seq: int, limit: int, ask: Callable[[int, int], list[SealedRow]]) -> list[SealedRow]:
    """Up to `limit` rows after `seq`, asking for half as many whenever WeCom says its answer would be too large.

    `ask(seq, size)` is repeated until `limit` rows are there or none is left: fewer than `limit` rows always mean
    that the archive has no more.
    """
    rows: list[SealedRow] = []
    size = limit = min(max(limit, 1), LARGEST_PULL)
    while len(rows) < limit:
        size = min(size, limit - len(rows))
        try:
            found = ask(rows[-1].seq if rows else seq, size)
        except WeComError as error:
            if error.errcode != _TOO_LARGE or size == 1:
                raise
            size //= 2
            continue
        rows += found
        if len(found) < size:
            break
    return rows
