"""Rings the queue's bell from a thread of its own, so that no answer to WeCom ever waits for Redis."""

from __future__ import annotations

import threading

from bot.platform.log import get_logger
from bot.platform.queue import JobQueue, connect_redis
from bot.system import System

_log = get_logger(__name__)


class BackgroundEnqueuer:
    """Takes wake-up calls and passes them on; equal calls that wait together become one.

    Best effort like the bell itself: what a lost call was for lies in the database and the sweep finds it.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._bells: dict[str, JobQueue] = {}

    def ring(self, job: str) -> None:
        """Ask for `job` and return at once."""
        with self._changed:
            self._waiting.add(job)
            if self._thread is None or not self._thread.is_alive():  # a forked worker has no thread yet
                self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def settled(self, seconds: float) -> bool:
        """Wait until everything asked for has been tried; False where that takes longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting))
                job, self._busy = self._waiting.pop(), True
            try:
                self._pass_on(job)
            except Exception as error:  # the thread must outlive whatever one call meets
                _log.warning("bell not rung", job=job, error=type(error).__name__)

    def _pass_on(self, job: str) -> None:
        url = self._system.known_redis_url
        if url is None:
            _log.warning("bell not rung", job=job, error="no queue is running")
            return
        if url not in self._bells:
            self._bells = {url: JobQueue(connect_redis(url))}
        self._bells[url].enqueue_once(job)
