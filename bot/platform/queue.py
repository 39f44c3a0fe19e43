"""JobQueue: enqueues RQ jobs that carry only row ids. The database holds the work, so a lost job loses nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from bot.platform.log import get_logger
from bot.platform.queued_job import FAILED_SECONDS, JOB_SECONDS, MODULE

QUEUES = ("high", "default", "low")  # in the order in which workers look at them
_PRIORITY = {"handle_events": "high", "deliver": "default", "pull": "default", "due": "default"}
# How long a mark keeps others from enqueuing. A Redis that freezes between the two commands holds the mark without
# its job: after this the job is enqueued again.
ONCE_SECONDS = 10
LONGEST_MARK = 3600
_QUEUED_MARK = "tici:bell:"
_RERUN_MARK = "tici:word:"
_log = get_logger(__name__)


def connect_redis(url: str) -> redis.Redis:
    """A connection that times out after a second, so that a frozen Redis cannot hold up the answer to a callback."""
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
    """A job id that tells the row it is for: "deliver-17-5c0f...", never the same twice."""
    return "-".join((job, *map(str, call), uuid.uuid4().hex))


class JobQueue:
    """Enqueues jobs. Every method is best effort: the scheduler's sweep finds again what a lost job was for."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self._queues = {
            name: Queue(name, connection=connection, serializer=JSONSerializer, default_timeout=JOB_SECONDS)
            for name in QUEUES
        }

    def enqueue_once(self, job: str, seconds: int = ONCE_SECONDS) -> bool:
        """Enqueue `job` unless it is waiting already; True if it was enqueued."""
        try:
            if not self._mark(_QUEUED_MARK + job, seconds):
                return False
            self._enqueue(job, [()])
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, error=type(error).__name__)
            return False
        return True

    def _mark(self, name: str, seconds: int) -> bool:
        """Set a mark unless it is there. One without an end is not ours, and would hold the job back for ever."""
        with self.connection.pipeline(transaction=False) as both:
            both.set(name, b"1", nx=True, ex=seconds)
            both.ttl(name)
            marked, left = both.execute()
        return bool(marked) or (
            (left < 0 or left > LONGEST_MARK) and bool(self.connection.set(name, b"1", ex=seconds))
        )

    def begin(self, job: str) -> None:
        """Called by the job as it starts, so that what comes from now on enqueues it again."""
        try:
            self.connection.delete(_QUEUED_MARK + job)
        except redis.RedisError as error:
            _log.warning("bell not reset", job=job, error=type(error).__name__)

    def enqueue_for(self, job: str, ids: Sequence[int]) -> bool:
        """Enqueue one job a row; False where Redis would not take them."""
        if not ids:
            return True
        try:
            self._enqueue(job, [(row_id,) for row_id in ids])
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, rows=len(ids), error=type(error).__name__)
            return False
        return True

    def enqueue_missing(self, job: str, ids: Sequence[int]) -> bool:
        """As `enqueue_for`, but leaving out rows whose job waits already: a backlog is not enqueued repeatedly."""
        if not ids:
            return True
        try:
            waiting = [bytes(one) for one in self.connection.lrange(self._queues[_queue_of(job)].key, 0, -1)]  # type: ignore[arg-type]
        except redis.RedisError as error:
            _log.warning("bell not rung", job=job, rows=len(ids), error=type(error).__name__)
            return False
        # Ids are read as bytes and by their parts: others may have written what is no id of ours.
        called = {
            words[1] for words in (job_id.split(b"-") for job_id in waiting) if words[0] == job.encode() and words[1:]
        }
        return self.enqueue_for(job, [row_id for row_id in ids if str(row_id).encode() not in called])

    def request_rerun(self, job: str) -> None:
        """Ask the worker that runs `job` now to run it once more before it ends."""
        try:
            self.connection.set(_RERUN_MARK + job, b"1", ex=60)
        except redis.RedisError as error:
            _log.warning("word not left", job=job, error=type(error).__name__)

    def rerun_requested(self, job: str) -> bool:
        """Whether a rerun was requested; reading the request clears it."""
        try:
            return bool(self.connection.delete(_RERUN_MARK + job))
        except redis.RedisError:
            return False

    def _enqueue(self, job: str, calls: Sequence[tuple[int, ...]]) -> None:
        prepared = [
            Queue.prepare_data(
                f"{MODULE}.{job}", args=call, result_ttl=0, failure_ttl=FAILED_SECONDS, timeout=JOB_SECONDS,
                job_id=_name_call(job, call),
            )
            for call in calls
        ]  # fmt: skip
        self._queues[_queue_of(job)].enqueue_many(prepared)

    def depth(self) -> dict[str, int]:
        """Waiting jobs by queue; raises redis.RedisError where Redis does not answer."""
        return {name: queue.count for name, queue in self._queues.items()}


WORKER_SECONDS = 60  # a worker notices within this time that Redis is gone, even if the connection was never closed
