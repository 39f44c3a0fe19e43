"""Worker: runs RQ's jobs in this process, with everything heavy loaded before the first one."""

from __future__ import annotations

import time
from types import FrameType
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from bot.platform.garbage import look_seldom
from bot.platform.log import get_logger, without_secrets
from bot.platform.queue import QUEUES, WORKER_SECONDS, connect_redis
from bot.platform.queued_job import QueuedJob
from bot.system import System, current_system
from bot.worker.jobs import JOBS
from bot.worker.refusals import note_refusal

# The types of RQ's own keys. One of another type was written by somebody else, and no command on it would succeed.
_KINDS = {**{f"rq:queue:{name}": "list" for name in QUEUES}, "rq:queues": "set", "rq:workers": "set"}
_log = get_logger(__name__)


class AllowedJob(QueuedJob):
    """A job of `bot/worker/jobs.py`; whatever else lies in the queue is refused and counted."""

    calls = JOBS

    @staticmethod
    def refused(reason: str) -> None:
        note_refusal(current_system(), reason)


class _ReconnectingWorker(SimpleWorker):
    """RQ's worker that returns soon to a Redis that was away, and remembers whether it was told to stop."""

    max_connection_wait_time = 4.0  # RQ's own is a minute: too long after a Redis that only restarted
    told_to_stop = False

    def handle_job_failure(
        self, job: Any, queue: Any, started_job_registry: Any = None, exc_string: str = "", execution: Any = None
    ) -> None:
        """Have RQ keep the traceback in Redis without the secrets that a library's exception may carry."""
        super().handle_job_failure(job, queue, started_job_registry, without_secrets(exc_string), execution)

    def subscribe(self) -> None:
        """Listen to no commands: whoever can write to Redis could stop every worker by one."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.told_to_stop = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def run(system: System, *, burst: bool = False) -> None:
    """Work until SIGTERM or Ctrl-C (or, with burst, until the queues are empty).

    Jobs run in this very process: they are short, leave all state in the database, and a forked child for each
    would cost more than the job. A worker that dies is replaced by starting another; leases run out by themselves.
    RQ leaves its loop when Redis fails in the middle of a job; it is entered again then.
    """
    system.settings  # noqa: B018 - compile the rule book before the first message waits for it
    look_seldom()
    if not burst:  # for what a worker had in hand when it died nothing else is enqueued before the next sweep
        for job in ("sweep", "pull"):
            system.queue.enqueue_once(job)
    # A connection of its own: RQ sets its time-out to a minute, and a job that enqueues must not hang so long.
    connection = connect_redis(system.redis_url)
    queues = [Queue(name, connection=connection, serializer=JSONSerializer, job_class=AllowedJob) for name in QUEUES]
    while True:
        worker = None
        try:
            _refuse_eviction(connection)
            _mend_keys(connection)
            worker = _ReconnectingWorker(
                queues,
                connection=connection,
                job_class=AllowedJob,
                serializer=JSONSerializer,
                worker_ttl=WORKER_SECONDS,
            )
            worker.push_exc_handler(_log_failure)  # type: ignore[no-untyped-call]
            worker.work(burst=burst, logging_level="WARNING")
        except redis.RedisError as error:
            if burst:
                raise
            _log.warning("worker waits for the queue", error=type(error).__name__)
        if burst or (worker is not None and worker.told_to_stop):
            return
        time.sleep(1)


def _log_failure(job: object, kind: type[BaseException], error: BaseException, _trace: object) -> bool:
    """Log one line for a job that failed; the sweep enqueues it again, so RQ need not keep it."""
    name = getattr(job, "func_name", "?")
    level = _log.warning if issubclass(kind, SQLAlchemyError) else _log.error
    level("job failed", job=name, error=f"{kind.__name__}: {error}"[:300])
    return False


def _mend_keys(connection: redis.Redis) -> None:
    """Remove RQ's keys that somebody made something else of; what waited is found again by the sweep."""
    for key, kind in _KINDS.items():
        found = bytes(connection.type(key)).decode()  # type: ignore[arg-type]
        if found not in (kind, "none"):
            connection.delete(key)
            _log.error("queue key removed", key=key, was=found)


def _refuse_eviction(connection: redis.Redis) -> None:
    """Refuse to start on a Redis that evicts keys when it is full: it would silently drop waiting jobs."""
    policy = connection.info("memory").get("maxmemory_policy")  # hosted ones refuse CONFIG
    if policy not in (None, "noeviction"):
        raise SystemExit(
            f"Redis 的 maxmemory-policy 是 {policy}，内存满时会悄悄丢任务；请设为 noeviction 后再启动\n"
            f"Redis may drop jobs (maxmemory-policy {policy}); set it to noeviction"
        )
