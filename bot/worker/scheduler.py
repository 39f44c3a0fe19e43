"""The clockwork: one process, under a lease, rings for what the passing of time brings about."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from bot.platform import clock
from bot.platform.database.store import release_lease, set_status, take_lease
from bot.platform.log import get_logger
from bot.platform.valkey import ensure_valkey
from bot.system import System

LEASE = "scheduler"
LEASE_SECONDS = 20
_log = get_logger(__name__)


@dataclass
class Beat:
    """A job and how often it is rung for, in seconds of real time."""

    job: str
    every: float
    next_at: float = 0.0


def beats() -> list[Beat]:
    """What the scheduler rings for."""
    return [
        Beat("due", 1),
        Beat("sweep", 10),
        Beat("timers", 15),
        Beat("pull", 10),
        Beat("reconcile", 60),
        Beat("housekeep", 60),
    ]


def run(system: System, should_stop: Callable[[], bool] | None = None) -> None:
    """Ring until told to stop (SIGTERM or Ctrl-C); waits as a stand-in while another scheduler holds the lease."""
    stopped = threading.Event()
    if should_stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        should_stop = stopped.is_set
    rhythm, renewed = beats(), float("-inf")
    held = None
    while not should_stop():
        present = time.monotonic()
        try:
            if present - renewed > LEASE_SECONDS / 4:
                with system.store.write() as session:
                    held = take_lease(session, LEASE, system.owner, LEASE_SECONDS)
                    if held is not None:
                        set_status(session, LEASE, {"owner": system.owner}, clock.now())
                renewed = present
            if held is not None:
                _revive(system)
                _ring(system, rhythm, present)
        except SQLAlchemyError as error:
            held, renewed = None, float("-inf")
            _log.warning("scheduler waits for the database", error=type(error).__name__)
            stopped.wait(2)
        stopped.wait(0.5)
    if held is not None:
        with system.store.write() as session:
            release_lease(session, held)


def _revive(system: System) -> None:
    """An embedded queue that died is started again; it keeps its address."""
    if system.environment.redis_url is None and system.known_redis_url is None:
        _log.warning("embedded queue does not answer")
        ensure_valkey(system.environment.var)


def _ring(system: System, rhythm: list[Beat], present: float) -> None:
    for beat in rhythm:
        if present >= beat.next_at:
            beat.next_at = present + beat.every
            system.queue.enqueue_once(beat.job, seconds=max(10, int(beat.every)))
