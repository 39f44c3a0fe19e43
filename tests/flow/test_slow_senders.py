"""A hundred clients that send their requests slowly do not silence the server that the docs tell to start."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from bot.platform.environment import ROOT
from bot.platform.ports import free_port
from tests.support.site import CONFIG

SLOW = 100
_HALF = (
    b"GET /sign-in HTTP/1.1\r\nHost: tici\r\nX-Slow: ",
    b"POST /wecom/callback HTTP/1.1\r\nHost: tici\r\nContent-Length: 5000\r\n\r\n<xml>",
    b"POST /sign-in HTTP/1.1\r\nHost: tici\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 5000\r\n\r\nname=",
)


def documented() -> list[str]:
    """What follows `gunicorn` in the unit of docs/deploy."""
    unit = (ROOT / "docs" / "deploy" / "tici-web.service").read_text(encoding="utf-8")
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    return shlex.split(line)[1:]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    given = {"TICI_VAR": str(tmp_path), "TICI_CONFIG": str(tmp_path / "config.toml")}
    arguments = [f"127.0.0.1:{port}" if one == "127.0.0.1:8000" else one for one in documented()]
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "--graceful-timeout", "1", *arguments]
    with (tmp_path / "web.log").open("wb") as log:
        web = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **given}, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if _answers(port):
                break
            assert web.poll() is None, (tmp_path / "web.log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        web.terminate()
        web.wait()


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10).status_code == 200
    except requests.RequestException:
        return False


def test_a_hundred_slow_senders_do_not_silence_healthz(server: int) -> None:
    with ExitStack() as held:
        for number in range(SLOW):
            slow = held.enter_context(socket.create_connection(("127.0.0.1", server), timeout=10))
            slow.sendall(_HALF[number % len(_HALF)])
        for _ in range(3):
            assert _answers(server)
        for path in ("/sign-in", "/static/app.css"):
            assert requests.get(f"http://127.0.0.1:{server}{path}", timeout=20).status_code in (200, 503)
