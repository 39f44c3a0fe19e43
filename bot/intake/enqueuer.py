"""Background enqueuer: enqueues jobs from a thread of its own, so that no answer to WeCom ever waits for Redis."""

from __future__ import annotations

import threading

from bot.platform.log import get_logger
from bot.platform.queue import JobQueue, connect_redis
from bot.system import System

_log = get_logger(__name__)


class BackgroundEnqueuer:
    """Takes the names of jobs and enqueues them; equal names that wait together become one call.

    Best effort, like the queue itself: what a lost call was for is in the database, where the sweep finds it.
    """

    def __init__(self, system: System) -> None:
        self._system = system
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._queues: dict[str, JobQueue] = {}

    def enqueue(self, job: str) -> None:
        """Ask for `job` and return at once."""
        with self._changed:
            self._waiting.add(job)
            if self._thread is None or not self._thread.is_alive():  # a forked worker has no thread yet
                self._thread = threading.Thread(target=self._run, name="enqueuer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
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
                self._enqueue(job)
            except Exception as error:  # the thread must outlive whatever one call meets
                _log.warning("bell not rung", job=job, error=type(error).__name__)

    def _enqueue(self, job: str) -> None:
        url = self._system.known_redis_url
        if url is None:
            _log.warning("bell not rung", job=job, error="no queue is running")
            return
        if url not in self._queues:
            self._queues = {url: JobQueue(connect_redis(url))}
        self._queues[url].enqueue_once(job)
