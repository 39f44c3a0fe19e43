"""Child process that alone loads Tencent's archive library, which may abort, hang or print without harm to us.

Run by path, with nothing of the product imported: `python finance_child.py LIBRARY IN OUT`. IN and OUT are file
descriptors. A request is one frame of JSON; an answer is one frame of JSON and one of bytes; a frame is 4 bytes of
length, then the content. `decrypt` is answered row by row, each as soon as it is done. Standard output belongs to the
library and is discarded.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

_POINTERS = ("NewSdk", "NewSlice", "NewMediaData", "GetContentFromSlice", "GetOutIndexBuf", "GetData")
_OF_A_POINTER = (
    *("DestroySdk", "FreeSlice", "FreeMediaData", "GetContentFromSlice", "GetSliceLen", "GetOutIndexBuf"),
    *("GetIndexLen", "GetData", "GetDataLen", "IsMediaDataFinish"),
)
_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
_SIGNATURES = {
    "Init": [_POINTER, _TEXT, _TEXT],
    "GetChatData": [_POINTER, ctypes.c_ulonglong, ctypes.c_uint, _TEXT, _TEXT, _INT, _POINTER],
    "DecryptData": [_TEXT, _TEXT, _POINTER],
    "GetMediaData": [_POINTER, _TEXT, _TEXT, _TEXT, _TEXT, _INT, _POINTER],
}

# A larger answer is not copied but reported by WeCom's own code, on which the caller asks for fewer rows.
_LARGEST_ANSWER, _TOO_LARGE = 256 * 1024 * 1024, 301058
_UNREADABLE = 10002  # the library's own code for an answer it cannot parse

Answer = tuple[dict[str, Any], bytes]


class Library:
    """The library's functions in Python. Return codes are answered as `rc`, never raised."""

    def __init__(self, path: str) -> None:
        self.lib = ctypes.CDLL(path)
        for name in _OF_A_POINTER:
            getattr(self.lib, name).argtypes = [_POINTER]
        for name, arguments in _SIGNATURES.items():
            getattr(self.lib, name).argtypes = arguments
        for name in _POINTERS:
            getattr(self.lib, name).restype = _POINTER
        self.sdk: int | None = None

    def open(self, asked: Mapping[str, Any]) -> Answer:
        """Open a new handle; the library keeps a dead token for the lifetime of a handle."""
        if self.sdk is not None:
            self.lib.DestroySdk(self.sdk)
        self.sdk = self.lib.NewSdk()
        return {"rc": self.lib.Init(self.sdk, _bytes(asked, "corp_id"), _bytes(asked, "secret"))}, b""

    def pull(self, asked: Mapping[str, Any]) -> Answer:
        """GetChatData."""
        to = (_bytes(asked, "proxy"), _bytes(asked, "password"), asked["timeout"])
        return self._slice(lambda out: self.lib.GetChatData(self.sdk, asked["seq"], asked["limit"], *to, out))

    def decrypt(self, asked: Mapping[str, Any]) -> Iterable[Answer]:
        """DecryptData, which needs no handle, for each row of a key and a cipher text."""
        for key, sealed in asked["rows"]:
            yield self._slice(partial(self.lib.DecryptData, _text(key), _text(sealed)))

    def media(self, asked: Mapping[str, Any]) -> Answer:
        """GetMediaData: one chunk, the index of the next and whether it was the last."""
        lib, out = self.lib, self.lib.NewMediaData()
        try:
            to = (_bytes(asked, "proxy"), _bytes(asked, "password"), asked["timeout"])
            rc = lib.GetMediaData(self.sdk, _bytes(asked, "index"), _bytes(asked, "sdkfileid"), *to, out)
            if rc != 0:
                return {"rc": rc}, b""
            if lib.GetDataLen(out) > _LARGEST_ANSWER:
                return {"rc": _UNREADABLE}, b""
            index = _at(lib.GetOutIndexBuf(out), lib.GetIndexLen(out)).decode("ascii", "replace")
            head = {"rc": 0, "index": index, "finished": bool(lib.IsMediaDataFinish(out))}
            return head, _at(lib.GetData(out), lib.GetDataLen(out))
        finally:
            lib.FreeMediaData(out)

    def _slice(self, call: Callable[[int], int]) -> Answer:
        out = self.lib.NewSlice()
        try:
            rc = call(out)
            if rc != 0:
                return {"rc": rc}, b""
            size = self.lib.GetSliceLen(out)
            if size > _LARGEST_ANSWER:
                return {"rc": _TOO_LARGE}, b""
            return {"rc": 0}, _at(self.lib.GetContentFromSlice(out), size)
        finally:
            self.lib.FreeSlice(out)


def _bytes(asked: Mapping[str, Any], name: str) -> bytes:
    return _text(asked.get(name))


def _text(value: object) -> bytes:
    return str(value or "").encode("utf-8", "replace").replace(b"\0", b"")


def _at(pointer: int | None, length: int) -> bytes:
    return ctypes.string_at(pointer, length) if pointer and length > 0 else b""


def read_frame(fd: int) -> bytes:
    """Read one frame; EOFError when the other side is gone."""
    (length,) = struct.unpack(">I", _exactly(fd, 4))
    return _exactly(fd, length)


def write_frame(fd: int, data: bytes) -> None:
    """Write one frame."""
    whole = memoryview(struct.pack(">I", len(data)) + data)
    while whole:
        whole = whole[os.write(fd, whole) :]


def _exactly(fd: int, length: int) -> bytes:
    pieces, missing = [], length
    while missing:
        piece = os.read(fd, min(missing, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _end_with_owner(requests: int) -> None:
    """End the process once its owner is gone. Runs in a thread: the main one may hang inside the library."""
    gone = select.poll()
    gone.register(requests, 0)
    gone.poll()
    os._exit(0)


def _kib() -> int:
    """The memory of this process in KiB; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def main(path: str, requests: int, answers: int) -> None:
    """Answer requests until the parent is gone."""
    threading.Thread(target=_end_with_owner, args=(requests,), daemon=True).start()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    try:
        library = Library(path)
    except (OSError, AttributeError) as error:
        write_frame(answers, json.dumps({"failed": str(error)[:300]}).encode())
        return
    write_frame(answers, json.dumps({"ready": True}).encode())
    known = {"open": library.open, "pull": library.pull, "media": library.media}
    while True:
        try:
            asked = json.loads(read_frame(requests))
        except EOFError:
            return
        if asked["do"] == "decrypt":
            for head, body in library.decrypt(asked):
                _write(answers, head, body)
        else:
            head, body = known[asked["do"]](asked)
            _write(answers, head | {"kib": _kib()}, body)


def _write(answers: int, head: dict[str, Any], body: bytes) -> None:
    write_frame(answers, json.dumps(head).encode())
    write_frame(answers, body)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
