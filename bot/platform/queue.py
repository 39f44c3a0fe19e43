"""The doorbell: RQ jobs that carry only row ids and wake a worker up. Losing all of it loses nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from bot.platform.log import get_logger

QUEUES = ("high", "default", "low")  # in the order in which workers look at them
_PRIORITY = {"handle_events": "high", "deliver": "default", "pull": "default", "due": "default"}
JOB_SECONDS = 180
# A bell that rang unheard (a Redis that froze takes the mark, but not the call behind it) keeps others off so long.
ONCE_SECONDS = 10
_BELL = "tici:bell:"
_WORD = "tici:word:"
_log = get_logger(__name__)


def connect_redis(url: str) -> redis.Redis:
    """A connection that gives up after a second, so that a frozen Redis cannot freeze a callback."""
    return redis.Redis.from_url(
        url,
        socket_timeout=1.0,
        socket_connect_timeout=0.5,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )


def _queue_of(job: str) -> str:
    return _PRIORITY.get(job, "low")


def _name_call(job: str, call: tuple[int, ...]) -> str:
    """A call's own id, which tells for which row it is: "deliver-17-5c0f...", never the same twice."""
    return "-".join((job, *map(str, call), uuid.uuid4().hex))


class JobQueue:
    """Enqueues wake-up calls. Every method is best effort: the sweep re-derives what a lost call was for."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=JOB_SECONDS)
            for name in QUEUES
        }

    def enqueue_once(self, job: str, seconds: int = ONCE_SECONDS) -> bool:
        """Wake a worker for `job` unless such a call is already waiting; True if it rang."""
        try:
            if not self.connection.set(_BELL + job, b"1", nx=True, ex=seconds):
                return False
            self._enqueue(job, [()])
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, error=type(error).__name__)
            return False
        return True

    def begin(self, job: str) -> None:
        """Called by the job as it starts, so that what comes from now on rings again."""
        try:
            self.connection.delete(_BELL + job)
        except redis.RedisError as error:
            _log.warning("bell not reset", job=job, error=type(error).__name__)

    def enqueue_for(self, job: str, ids: Sequence[int]) -> bool:
        """Wake workers for these rows, one call a row; False where Redis would not take them."""
        if not ids:
            return True
        try:
            self._enqueue(job, [(row_id,) for row_id in ids])
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, rows=len(ids), error=type(error).__name__)
            return False
        return True

    def enqueue_missing(self, job: str, ids: Sequence[int]) -> bool:
        """As `enqueue_for`, save for rows for which a call waits already: a backlog is not rung for again and again."""
        if not ids:
            return True
        try:
            waiting = set(self._queues[_queue_of(job)].get_job_ids())
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, rows=len(ids), error=type(error).__name__)
            return False
        called = {words[1] for words in (job_id.split("-") for job_id in waiting) if words[0] == job}
        return self.enqueue_for(job, [row_id for row_id in ids if str(row_id) not in called])

    def request_rerun(self, job: str) -> None:
        """Ask whoever is at `job` to look once more before he ends."""
        try:
            self.connection.set(_WORD + job, b"1", ex=60)
        except redis.RedisError as error:
            _log.warning("word not left", job=job, error=type(error).__name__)

    def rerun_requested(self, job: str) -> bool:
        """Whether somebody asked to look once more; asking takes the word away."""
        try:
            return bool(self.connection.delete(_WORD + job))
        except redis.RedisError:
            return False

    def _enqueue(self, job: str, calls: Sequence[tuple[int, ...]]) -> None:
        prepared = [
            Queue.prepare_data(
                f"bot.worker.jobs.{job}", args=call, result_ttl=0, failure_ttl=86400, timeout=JOB_SECONDS,
                job_id=_name_call(job, call),
            )
            for call in calls
        ]  # fmt: skip
        self._queues[_queue_of(job)].enqueue_many(prepared)

    def depth(self) -> dict[str, int]:
        """Waiting jobs by queue; raises redis.RedisError where Redis does not answer."""
        return {name: queue.count for name, queue in self._queues.items()}


WORKER_SECONDS = 60  # a Redis that is gone without a word is noticed within this time
