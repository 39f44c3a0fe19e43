"""Scheduler: enqueues the jobs that time makes due; of all schedulers the one that holds the lease does it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from bot.platform import clock
from bot.platform.database.store import release_lease, set_status, take_lease
from bot.platform.log import get_logger
from bot.platform.models import Status
from bot.platform.valkey import ensure_valkey
from bot.system import System

LEASE = "scheduler"
LEASE_SECONDS = 20  # renewed every quarter of it; a stand-in takes over within this time of a death
_log = get_logger(__name__)


@dataclass
class PeriodicJob:
    """A job and how often it is enqueued, in seconds of real time (not of the clock that tests and demos shift)."""

    job: str
    every: float
    next_at: float = 0.0


def periodic_jobs() -> list[PeriodicJob]:
    """The jobs the scheduler enqueues. Each asks the database what there is to do, so that none missed is lost."""
    return [
        PeriodicJob("due", 1),
        PeriodicJob("sweep", 10),
        PeriodicJob("timers", 15),
        PeriodicJob("pull", 10),
        PeriodicJob("reconcile", 60),
        PeriodicJob("housekeep", 60),
    ]


def run(system: System, should_stop: Callable[[], bool] | None = None) -> None:
    """Enqueue until told to stop (SIGTERM or Ctrl-C); waits as a stand-in while another scheduler holds the lease."""
    stopped = threading.Event()
    if should_stop is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        should_stop = stopped.is_set
    schedule, renewed = periodic_jobs(), float("-inf")
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
                _restart_queue(system)
                _enqueue_due(system, schedule, present)
        except (SQLAlchemyError, OSError, redis.RedisError) as error:  # OSError: a full disk
            held, renewed = None, float("-inf")
            _log.warning("scheduler waits", error=type(error).__name__)
            stopped.wait(2)
        stopped.wait(0.5)
    if held is not None:
        with system.store.write() as session:
            release_lease(session, held)
            # It was ended on purpose: nobody has to wait until it counts as silent.
            session.execute(delete(Status).where(Status.name == LEASE))


def _restart_queue(system: System) -> None:
    """Start an embedded queue again that died; it keeps its address."""
    if system.environment.redis_url is None and system.known_redis_url is None:
        _log.warning("embedded queue does not answer")
        ensure_valkey(system.environment.var)


def _enqueue_due(system: System, schedule: list[PeriodicJob], present: float) -> None:
    for periodic in schedule:
        if present >= periodic.next_at:
            periodic.next_at = present + periodic.every
            system.queue.enqueue_once(periodic.job, seconds=max(10, int(periodic.every)))
