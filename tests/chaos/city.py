"""The product as real processes, each of which may be killed, frozen or starved, and comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bot.commands.demo.stack import _die_with_parent, answers
from bot.platform.database.schema import upgrade
from bot.platform.environment import ROOT, read_environment
from bot.platform.ports import free_port
from bot.platform.valkey import ensure_valkey, stop_valkey
from bot.sandbox.control import ControlRefusedError, SandboxControl
from bot.sandbox.corp import prepare
from bot.system import System, use_system
from tests.chaos.talks import CHAOS_CONFIG
from tests.faults.nursery import Nursery
from tests.faults.starving import children, full_disk, shift_clock
from tests.support.postgres import Postgres

READY = 180.0


class City:
    """Web, sandbox, workers, schedulers, an embedded Valkey and a database; `postgres` is None on SQLite."""

    def __init__(self, folder: Path, database_url: str, postgres: Postgres | None, workers: int, schedulers: int):
        self.folder, self.postgres = folder, postgres
        self.web_port, self.sandbox_port = free_port(), free_port()
        (folder / "config.toml").write_text(CHAOS_CONFIG, encoding="utf-8")
        self.variables = {
            **prepare(folder / "sandbox", self.sandbox_port),
            "TICI_VAR": str(folder),
            "TICI_CONFIG": str(folder / "config.toml"),
            "TICI_CLOCK_FILE": str(folder / "clock"),
            "TICI_DATABASE_URL": database_url,
            "TICI_BASE_URL": f"http://127.0.0.1:{self.web_port}",
            "TICI_SECRET_KEY": "a key of the tests",
        }
        os.environ.update(self.variables)
        self.system = System(read_environment())
        self.control = SandboxControl(f"http://127.0.0.1:{self.sandbox_port}", timeout=20)
        self.nursery = Nursery()
        self.slots: dict[str, int] = {}  # worker-1, scheduler-1, ...: their pids
        self.children: dict[str, subprocess.Popen[bytes]] = {}  # web and sandbox
        self.armed: dict[str, str] = {}
        self.orders: list[str] = []
        self.obeyed: list[str] = []
        self.killed: set[str] = set()  # the slots whose process we killed ourselves
        self.killed_so_far = 0
        self.erased: set[str] = set()  # whom somebody asked to be forgotten
        self.strangers: list[subprocess.Popen[bytes]] = []  # processes with keys that are none of ours
        self.before_restore: dict[str, tuple[str, str, int]] = {}  # cards known then: of whom, which SOP, which step
        self.restored = False  # whether a backup came back
        self._wanted = [f"worker-{n + 1}" for n in range(workers)] + [f"scheduler-{n + 1}" for n in range(schedulers)]

    def __enter__(self) -> City:
        upgrade(self.system.store.engine)
        ensure_valkey(self.folder)
        use_system(self.system)
        self.mend()
        ends = time.monotonic() + READY
        for url in (
            f"http://127.0.0.1:{self.web_port}/healthz",
            f"http://127.0.0.1:{self.sandbox_port}/control/state",
        ):
            while not answers(url):
                assert time.monotonic() < ends, f"{url} does not answer; see {self.folder}"
                time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children.values():
            child.kill()
            child.wait()
        self.nursery.__exit__(kind, error, trace)
        self.system.store.close()
        stop_valkey(self.folder)

    # who runs
    def mend(self) -> None:
        """Start whatever does not run; a worker that starts takes the next order where to die."""
        for slot in self._wanted:
            pid = self.slots.get(slot)
            status = None if pid is None else self.nursery.poll(pid)
            if pid is not None and status is None:
                continue
            self._account(slot, status)
            what = slot.partition("-")[0]
            order = self.orders.pop(0) if what == "worker" and self.orders else ""
            self.armed[slot] = order
            self.slots[slot] = self.nursery.start(what, self.variables, self.folder / f"{slot}.log", order)
        for name, command in (("sandbox", self._sandbox()), ("web", self._web())):
            child = self.children.get(name)
            if child is None or child.poll() is not None:
                self.children[name] = self._start(name, command)

    def _account(self, slot: str, status: int | None) -> None:
        """An order obeyed is counted; one whose worker died of something else is given out again."""
        order = self.armed.pop(slot, "")
        if order and status == -signal.SIGKILL and slot not in self.killed:
            self.obeyed.append(order)
        elif order:
            self.orders.append(order)
        self.killed.discard(slot)

    @property
    def unobeyed(self) -> int:
        """How many orders where to die are still open."""
        return len(self.orders) + sum(order != "" for order in self.armed.values())

    def pardon(self) -> int:
        """Nobody is to die any more; how many orders were not obeyed."""
        self.orders, left = [], len(self.orders)
        for slot in [slot for slot, order in self.armed.items() if order]:
            self.armed[slot] = ""
            self.signal(slot, signal.SIGKILL)
            left += 1
        return left

    def pid_of(self, name: str) -> int | None:
        """The process of that name, if it runs."""
        if name in self.slots:
            return self.slots[name] if self.nursery.poll(self.slots[name]) is None else None
        if name == "valkey":
            with suppress(OSError, ValueError, KeyError):
                return int(json.loads((self.folder / "valkey" / "server.json").read_text())["pid"])
            return None
        if name == "web-child":
            return next(iter(children(self.children["web"].pid)), None)
        child = self.children[name]
        return child.pid if child.poll() is None else None

    def signal(self, name: str, number: int) -> bool:
        """Send a signal to a process by name; False where it does not run."""
        pid = self.pid_of(name)
        if pid is None:
            return False
        if number == signal.SIGKILL and name in self.slots:
            self.killed.add(name)
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False

    def crash_database(self) -> bool:
        """kill -9 of PostgreSQL, started again at once; on SQLite there is no such process."""
        if self.postgres is None or not self.postgres.runs:
            return False
        self.postgres.crash()
        self.postgres.start()
        return True

    def stop(self) -> None:
        """Nobody works any more, as when a backup is put back; `mend` starts all of them again."""
        for slot in [slot for slot in self._wanted if self.pid_of(slot) is not None]:
            self.signal(slot, signal.SIGKILL)
            while self.pid_of(slot) is not None:
                time.sleep(0.05)
        web = self.children["web"]
        for pid in [web.pid, *children(web.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        web.wait()

    # what they stand on
    def fill_disk(self) -> Callable[[], None] | Literal[False]:
        """From now on no file may grow; the returned call makes room. PostgreSQL goes down by it; False if it is."""
        if self.postgres is not None and not self.postgres.runs:
            return False
        slots = [pid for slot in self._wanted if (pid := self.pid_of(slot)) is not None]
        pids = [*slots, *children(self.children["web"].pid)]
        if self.postgres is not None:
            pids = [self.postgres.pid, *children(self.postgres.pid)]
        with ExitStack() as full:
            full.enter_context(full_disk(pids))
            undo = full.pop_all()

        def make_room() -> None:
            undo.close()
            if self.postgres is not None and not self.postgres.runs:
                self.postgres.start()

        return make_room

    def lock_database(self) -> Callable[[], None] | Literal[False]:
        """Hold what every writer needs; the returned call lets go. False where it is held by others for too long."""
        lock = "LOCK TABLE message, outbox, callback_event IN EXCLUSIVE MODE"
        if make_url(self.system.store.url).get_backend_name() == "sqlite":
            lock = "SELECT 1"  # BEGIN IMMEDIATE
        try:
            connection = self.system.store.engine.connect()
        except SQLAlchemyError:
            return False
        try:
            connection.execute(text(lock))
        except SQLAlchemyError:
            connection.close()
            return False

        def undo() -> None:
            with suppress(Exception):
                connection.rollback()
            with suppress(Exception):
                connection.close()

        return undo

    def shift_clock(self, seconds: float) -> None:
        """Set everybody's clock forward or back."""
        shift_clock(self.folder / "clock", seconds)

    def insist(self, act: Callable[[], Any], seconds: float = 60.0) -> Any:
        """Ask the sandbox until it answers: it may just be dead."""
        ends = time.monotonic() + seconds
        while True:
            try:
                return act()
            except ControlRefusedError:
                return None
            except (OSError, ValueError):
                if time.monotonic() > ends:
                    raise
                self.mend()
                time.sleep(0.3)

    def _start(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **self.variables}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, preexec_fn=_die_with_parent,
            )  # fmt: skip

    def _sandbox(self) -> list[str]:
        web = f"http://127.0.0.1:{self.web_port}/wecom"
        return [
            sys.executable, "-W", "ignore", "-m", "bot.commands.sandbox", "--port", str(self.sandbox_port),
            "--folder", str(self.folder / "sandbox"), "--callback-url", f"{web}/callback",
            "--archive-callback-url", f"{web}/archive",
        ]  # fmt: skip

    def _web(self) -> list[str]:
        return [
            sys.executable, "-W", "ignore", "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8",
            "--bind", f"127.0.0.1:{self.web_port}", "--graceful-timeout", "3", "--no-control-socket", "wsgi:app",
        ]  # fmt: skip
