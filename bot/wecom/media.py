"""Downloads media of archived messages: chunk by chunk, decrypted, complete only when size and md5 agree."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from bot.wecom.api import WeComClient
from bot.wecom.errors import UnreadableMessageError, WeComError

CHUNK = 512 * 1024
LARGEST_FILE = 200 * 1024 * 1024
_INDEX = re.compile(r"bytes=(\d{1,15})-(\d{1,15})")
_RANGE = re.compile(r"(?i)bytes\s+(\d{1,15})-(\d{1,15})/(\d{1,15})")
_LONGEST_INDEX = 4096
_BLOCK = 16


@dataclass(frozen=True)
class MediaChunk:
    """A chunk of a media file; pass `next_index` for the following one until `finished`."""

    data: bytes = field(repr=False)
    next_index: str
    finished: bool

    def index_after(self, index: str) -> str:
        """The index after this chunk, which was asked for by `index` and is not the last.

        Raises UnreadableMessageError where it would not advance: only the last chunk may be empty; "" is the start.
        """
        if not self.data or self.next_index in ("", index) or len(self.next_index) > _LONGEST_INDEX:
            raise UnreadableMessageError("media index does not advance")
        return self.next_index


def download(
    media: Callable[[str, str], MediaChunk], sdkfileid: str, into: BinaryIO, md5: str = "", index: str = ""
) -> int:
    """Write a whole media file into `into`; returns its size in bytes.

    `media` is ArchiveSource.media. To resume, pass the index that came last and an `into` that ends there;
    then `md5` cannot be checked here. Raises UnreadableMessageError when the file is too large or not what it
    should be, and whatever `media` raises.
    """
    digest, size = hashlib.md5(usedforsecurity=False), 0
    while True:
        chunk = media(sdkfileid, index)
        size += len(chunk.data)
        if size > LARGEST_FILE:
            raise UnreadableMessageError(f"media larger than {LARGEST_FILE} bytes")
        digest.update(chunk.data)
        into.write(chunk.data)
        if chunk.finished:
            break
        index = chunk.index_after(index)
    if md5 and digest.hexdigest() != md5.lower():
        raise UnreadableMessageError("media does not have the md5 it was announced with")
    return size


def ask_media(client: WeComClient, sdkfileid: str, index: str) -> MediaChunk:
    """One chunk over HTTP, as the native library asks for it: a Range of an AES-128-ECB file in base64."""
    fileid, authkey, key = _opened(sdkfileid)
    found = _INDEX.fullmatch(index or f"bytes=0-{CHUNK - 1}")
    if found is None:
        raise UnreadableMessageError("malformed media index")
    first = int(found[1])
    content, headers = client.ask_with_headers(
        "message/getchatmediadata",
        {"fileid": fileid, "authkey": authkey, "version": 3},
        {"Range": f"bytes={first}-{found[2]}"},
    )
    sealed = _base64(content)
    total = _total(headers.get("Content-Range", ""), first, len(sealed))
    finished = first + len(sealed) >= total
    following = f"bytes={first + len(sealed)}-{min(first + len(sealed) + CHUNK, total) - 1}"
    return MediaChunk(_decrypted(sealed, key, finished), "" if finished else following, finished)


def _decrypted(sealed: bytes, key: bytes, last: bool) -> bytes:
    if len(sealed) % _BLOCK or not sealed:
        raise WeComError(None, "a media chunk that is not whole blocks", api="message/getchatmediadata")
    # ECB and no authentication: WeCom's choice, not ours.
    opener = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    plain = opener.update(sealed) + opener.finalize()
    if not last:
        return plain
    size = plain[-1]
    if not 1 <= size <= _BLOCK or plain[-size:] != bytes([size]) * size:
        raise UnreadableMessageError("media padding is wrong")
    return plain[:-size]


def _total(content_range: str, first: int, length: int) -> int:
    """The length of the whole file, from the answer's range; an answer for another range is refused."""
    found = _RANGE.search(content_range)
    if found is None and first == 0:
        return length
    if found is None or int(found[1]) != first or first + length > int(found[3]):
        raise WeComError(None, "another range of the media was answered", api="message/getchatmediadata")
    return int(found[3])


def _base64(content: object) -> bytes:
    try:
        return base64.b64decode(content if isinstance(content, str) else "", validate=True)
    except (binascii.Error, ValueError):
        raise WeComError(None, "media content is not base64", api="message/getchatmediadata") from None


def _opened(sdkfileid: str) -> tuple[str, str, bytes]:
    """fileid, authkey and AES key: a sdkfileid is base64 of a protobuf {1: fileid, 2: authkey, 3: hex of the key}."""
    fields: dict[int, bytes] = {}
    try:
        packed, at = base64.b64decode(sdkfileid, validate=True), 0
        while at < len(packed):
            tag, at = _varint(packed, at)
            size, at = _varint(packed, at)
            fields[tag >> 3] = packed[at : at + size]
            at += size
        fileid, authkey, digits = (fields[number].decode("ascii") for number in (1, 2, 3))
        key = bytes.fromhex(digits)
    except (binascii.Error, ValueError, KeyError, IndexError):
        raise UnreadableMessageError("malformed sdkfileid") from None
    if len(key) != _BLOCK:
        raise UnreadableMessageError("malformed sdkfileid")
    return fileid, authkey, key


def _varint(packed: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = packed[at]
        at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80 or shift > 63:
            return value, at
