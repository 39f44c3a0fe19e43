"""The program of an RSA process: opens random keys with the private keys it was handed first; ends with its owner.

Frames both ways: a length of 4 bytes, then JSON. In: {version: PEM}, then lists of [version, wrapped key]. Out: for
each list the opened keys, null where one does not open. It stands alone, so that it starts in a moment.
"""

from __future__ import annotations

import base64
import binascii
import json
import signal
import struct
import sys
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_LENGTH = struct.Struct(">I")


def main() -> None:
    """Serve until the owner closes the pipe or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is meant for the owner
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    pems = _read(incoming) or {}
    keys = {int(version): load_pem_private_key(pem.encode(), password=None) for version, pem in pems.items()}
    while (rows := _read(incoming)) is not None:
        answer = json.dumps([_opened(keys.get(version), field) for version, field in rows]).encode()
        outgoing.write(_LENGTH.pack(len(answer)) + answer)
        outgoing.flush()


def _read(incoming: BinaryIO) -> Any:
    head = incoming.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = incoming.read(length)
    return json.loads(body) if len(body) == length else None


def _opened(key: Any, field: str) -> str | None:
    if key is None:
        return None
    try:
        text: str = key.decrypt(base64.b64decode(field, validate=True), PKCS1v15()).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return text


if __name__ == "__main__":
    main()
