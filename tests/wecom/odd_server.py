"""OddServer: a server in WeCom's place that answers the exact bytes a test gives it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

ENOUGH = 100  # pieces of an answer that drips: ten times as many as anybody may wait for
TOKEN = {"errcode": 0, "access_token": "token-of-the-odd-server", "expires_in": 7200}


@dataclass
class OddServer:
    """answer: for any call but gettoken: bytes to send at once, or a function that writes to the connection."""

    port: int
    answer: bytes | Callable[[socket.socket], None] = b""
    token: bytes = b""
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cgi-bin/"

    def says(self, value: Any) -> None:
        """A well-formed reply of this JSON."""
        self.answer = reply(json.dumps(value).encode())


def reply(body: bytes, head: str = "HTTP/1.1 200 OK", **headers: str) -> bytes:
    """A whole HTTP reply."""
    lines = [head, f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def odd_server() -> Iterator[OddServer]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = OddServer(listener.getsockname()[1], token=reply(json.dumps(TOKEN).encode()))
        thread = Thread(target=_serve, args=(listener, server), daemon=True)
        thread.start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _serve(listener: socket.socket, server: OddServer) -> None:
    while True:
        try:
            asking, _ = listener.accept()
        except OSError:
            return
        Thread(target=_answer, args=(asking, server), daemon=True).start()


def _answer(asking: socket.socket, server: OddServer) -> None:
    with asking, suppress(OSError):
        asking.settimeout(10)
        line = _whole_request(asking)
        server.asked.append(line)
        answer = server.token if "gettoken" in line else server.answer
        if callable(answer):
            answer(asking)
        else:
            asking.sendall(answer)


def _whole_request(asking: socket.socket) -> str:
    """Read a request to its end (else closing resets the connection before the answer is read); its first line."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += asking.recv(65536) or b"\r\n\r\n"
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += asking.recv(65536) or bytes(length)
    return head.split(b"\r\n")[0].decode("latin-1")


def drip(
    head: bytes, piece: bytes, pause: float = 0.05, dripped: list[bytes] | None = None
) -> Callable[[socket.socket], None]:
    """`head`, then `piece` after `piece` without an end; where each is noted in `dripped`, until it has ENOUGH."""

    def write(asking: socket.socket) -> None:
        asking.sendall(head)
        while dripped is None or len(dripped) < ENOUGH:
            asking.sendall(piece)
            if dripped is not None:
                dripped.append(piece)
            time.sleep(pause)

    return write
