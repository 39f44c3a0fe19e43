"""Stack: the whole product with a sandbox WeCom, as child processes, for the demo, the story and replays."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import TextIO

from sqlalchemy import select

from bot.commands.demo.recording import Recording, path_of, renew_links, unpack
from bot.platform import clock
from bot.platform.config.settings import load_settings
from bot.platform.database import schema
from bot.platform.environment import ROOT, read_environment
from bot.platform.models import ArchiveCursor
from bot.platform.ports import free_port
from bot.platform.signed_links import board_url
from bot.platform.valkey import ensure_valkey, stop_valkey
from bot.sandbox.control import SandboxControl
from bot.sandbox.corp import prepare
from bot.sync.directory import take_in_staff
from bot.system import System
from bot.wecom.errors import BotError, WeComError

READY_SECONDS = 120.0  # a busy machine needs a minute for what a quiet one does in ten seconds
_BOARD_LIFE = timedelta(days=30)


def print_nothing(_words: str) -> None:
    """Tell nobody."""


def has_database_url() -> bool:
    """Whether another database than the folder's own was asked for."""
    name = "TICI_DATABASE_URL"
    return any(os.environ.get(variable) for variable in (name, f"{name}_FILE"))


class StackError(BotError):
    """A child process that would not start or died; the text says which and where its log is."""


@dataclass
class Child:
    """One process of the stack."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0


@dataclass
class Stack:
    """Starts everything on enter, ends every child on exit. State stays in `folder`: a second start resumes."""

    folder: Path
    config: Path
    web_port: int = 0
    sandbox_port: int = 0
    workers: int = 1
    children: list[Child] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    playbook: str = ""  # whose recorded company fills an empty folder; "": none
    company: Recording | None = None  # the one that was put in at this start
    tell: Callable[[str], object] = print_nothing  # is told what is being done

    def __enter__(self) -> Stack:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._claim = claim(self.folder)
        try:
            self._prepare()
            self.tell("启动各进程")
            for child in self.children:
                self.start(child)
            self.tell("等网页打开")
            self._wait_ready()
            self._meet_staff()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _meet_staff(self) -> None:
        """Take in names and leaders, as `flask wecom import` does: else the first texts would show userids."""
        if "sandbox" not in self.without:
            with suppress(WeComError):  # a sandbox told to fail: the nightly comparison takes them in
                take_in_staff(self.system)

    def _prepare(self) -> None:
        load_settings(self.config)
        self.web_port, self.sandbox_port = free_port(self.web_port), free_port(self.sandbox_port)
        self._unpack()
        self.variables = {
            **prepare(self.folder / "sandbox", self.sandbox_port),
            "TICI_VAR": str(self.folder),
            "TICI_CONFIG": str(self.config),
            "TICI_CLOCK_FILE": str(self.folder / "clock"),
            "TICI_BASE_URL": self.web_url,
            "WECOM_LOGIN_URL": self.sandbox_url,
            "TICI_DEMO": "1",
        }
        os.environ.update(self.variables)
        self.system = System(read_environment())
        self.tell("准备数据库")
        schema.upgrade(self.system.store.engine)
        self._refuse_strangers()
        if self.company is not None:
            renew_links(self.folder, self.web_url, self.system.signing_key)
        self.tell("启动队列")
        if not self.system.environment.redis_url:
            ensure_valkey(self.folder)
        self.children = [Child(name, command) for name, command in self._commands() if name not in self.without]

    def _unpack(self) -> None:
        """Put the recorded company into a folder that is new; never into a database of somebody else's choice."""
        fresh = not (self.folder / "tici.db").exists() and not (self.folder / "sandbox").exists()
        if not self.playbook or not fresh or has_database_url():
            return
        self.tell("放好演示公司")
        os.environ["TICI_CLOCK_FILE"] = str(self.folder / "clock")
        self.company = unpack(path_of(self.playbook), self.folder)

    def _refuse_strangers(self) -> None:
        """A TICI_DATABASE_URL left over from a real installation must not be played with."""
        corp_id = self.variables["WECOM_CORP_ID"]
        with self.system.store.read() as session:
            others = session.scalar(select(ArchiveCursor.corp_id).where(ArchiveCursor.corp_id != corp_id).limit(1))
        if others is not None:
            raise StackError(
                f"TICI_DATABASE_URL 指向的数据库里已有另一家企业（{others}）的数据，演示不能用它。"
                "请先 unset TICI_DATABASE_URL，或换一个空的数据库"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in reversed(self.children):
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in reversed(self.children):
            self.stop(child)
        if hasattr(self, "system"):
            if not self.system.environment.redis_url:
                stop_valkey(self.folder)
            self.system.store.close()
        self._claim.close()

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def board(self) -> str:
        """The board's address with the key that opens it."""
        return board_url(self.web_url, self.system.signing_key, clock.now(), _BOARD_LIFE)

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.sandbox_url)

    def child(self, name: str) -> Child:
        return next(child for child in self.children if child.name == name)

    def start(self, child: Child) -> None:
        """Start one child; it ends with us even if we are killed."""
        with (self.folder / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                cwd=ROOT,
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches this process alone, which ends the children in order
                preexec_fn=_die_with_parent,
            )

    def stop(self, child: Child, *, kill: bool = False) -> None:
        """End one child: with SIGTERM, and SIGKILL after ten seconds, or with SIGKILL at once."""
        process = child.process
        if process is None:
            return
        if process.poll() is None:
            (process.kill if kill else process.terminate)()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def mend(self) -> list[str]:
        """Start again what has died; returns the names. Gives up on a child that keeps dying."""
        dead = [child for child in self.children if child.process is not None and child.process.poll() is not None]
        for child in dead:
            child.restarts += 1
            if child.restarts > 5:  # it fails at once each time: restarting hides the cause
                raise StackError(f"{child.name} 一再退出，请看 {self.folder / child.name}.log")
            self.start(child)
        return [child.name for child in dead]

    def _commands(self) -> list[tuple[str, list[str]]]:
        flask = [sys.executable, "-m", "flask", "--app", str(ROOT / "wsgi.py")]
        callback = f"{self.web_url}/wecom/callback"
        sandbox = [
            *flask, "sandbox", "--port", str(self.sandbox_port), "--folder", str(self.folder / "sandbox"),
            "--callback-url", callback, "--archive-callback-url", f"{self.web_url}/wecom/archive",
            "--board-url", self.board,
        ]  # fmt: skip
        web = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "8",
            "--bind", f"127.0.0.1:{self.web_port}", "--graceful-timeout", "3", "--no-control-socket", "wsgi:app",
        ]  # fmt: skip
        workers = [(f"worker-{n + 1}", [*flask, "worker"]) for n in range(self.workers)]
        return [("sandbox", sandbox), ("web", web), *workers, ("scheduler", [*flask, "scheduler"])]

    def _wait_ready(self) -> None:
        wanted = {"sandbox": f"{self.sandbox_url}/control/state", "web": f"{self.web_url}/healthz"}
        ends = time.monotonic() + READY_SECONDS
        for child in self.children:
            url = wanted.get(child.name)
            while url and not answers(url):
                died = child.process is not None and child.process.poll() is not None
                if died or time.monotonic() > ends:
                    raise StackError(f"{child.name} 没有启动成功，请看 {self.folder / child.name}.log")
                time.sleep(0.1)


def claim(folder: Path) -> TextIO:
    """Hold a folder until the file is closed or this process ends, however it ends.

    Two stacks on one folder would end each other's queue.
    """
    held = (folder / "stack.pid").open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        held.seek(0)
        other = held.read().strip()
        held.close()
        raise StackError(
            f"{folder} 里已经有一个在运行（进程 {other}）。请用它打印的地址，或先结束它，或换一个 --folder"
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def answers(url: str) -> bool:
    """Whether an HTTP server answers there with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _die_with_parent() -> None:
    """Linux: have the kernel end this child when its parent is gone (prctl PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
