"""Starts real processes quickly: one process loads the program once and forks a worker or scheduler on order.

Run as `python -m tests.faults.nursery`; orders and answers are JSON lines on standard input and output.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The test's side. Whatever it started ends with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.nursery"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._pids: list[int] = []

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in self._pids:
            if self.poll(pid) is None:
                os.kill(pid, 9)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(self, what: str, variables: dict[str, str], log: Path, fail_at: str = "") -> int:
        """Start a worker ("worker"), one that ends when the queues are empty ("burst"), or a scheduler; the pid."""
        pid = int(self._ask({"start": what, "variables": variables, "log": str(log), "fail_at": fail_at}))
        self._pids.append(pid)
        return pid

    def poll(self, pid: int) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        status = self._ask({"poll": pid})
        return None if status is None else int(status)

    def wait(self, pid: int, seconds: float = 250) -> int:
        """The exit status once it has ended."""
        ends = time.monotonic() + seconds
        while (status := self.poll(pid)) is None:
            if time.monotonic() > ends:
                raise TimeoutError(f"process {pid} still runs after {seconds} s")
            time.sleep(0.02)
        return status

    def _ask(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _serve() -> None:
    ended: dict[int, int] = {}
    for line in sys.stdin:
        order = json.loads(line)
        answer: int | None
        if "start" in order:
            answer = _fork(order)
        else:
            pid = order["poll"]
            if pid not in ended:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            answer = ended.get(pid)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.setsid()
    try:
        _be(order)
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 1
        if isinstance(left.code, str):
            sys.stderr.write(left.code + "\n")
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 70
    sys.stderr.flush()
    os._exit(status)


def _be(order: dict[str, Any]) -> None:
    from bot.commands.demo.stack import _die_with_parent
    from bot.platform import failpoints
    from bot.platform.environment import read_environment
    from bot.platform.log import setup_logging
    from bot.system import System, use_system
    from bot.worker import scheduler, worker

    _die_with_parent()
    os.environ.update(order["variables"])
    failpoints.arm(order["fail_at"])
    setup_logging()
    system = System(read_environment())
    use_system(system)
    if order["start"] == "scheduler":
        scheduler.run(system)
    else:
        worker.run(system, burst=order["start"] == "burst")


if __name__ == "__main__":
    from bot.platform.config.settings import parse_settings
    from bot.worker import worker  # everything heavy, once
    from tests.support.parts import CONFIG

    assert worker
    parse_settings(CONFIG)
    _serve()
