"""Worker: runs RQ's jobs in this process, with everything heavy loaded before the first one."""

from __future__ import annotations

import time
from types import FrameType
from typing import Any

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from bot.platform.log import get_logger, without_secrets
from bot.platform.queue import QUEUES, WORKER_SECONDS, connect_redis
from bot.system import System
from bot.worker import jobs  # noqa: F401 - jobs are called by name; loading them here saves each first call

_log = get_logger(__name__)


class _ReconnectingWorker(SimpleWorker):
    """RQ's worker that returns soon to a Redis that was away, and remembers whether it was told to stop."""

    max_connection_wait_time = 4.0  # RQ's own is a minute: too long after a Redis that only restarted
    told_to_stop = False

    def handle_job_failure(
        self, job: Any, queue: Any, started_job_registry: Any = None, exc_string: str = "", execution: Any = None
    ) -> None:
        """Have RQ keep the traceback in Redis without the secrets that a library's exception may carry."""
        super().handle_job_failure(job, queue, started_job_registry, without_secrets(exc_string), execution)

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
    if not burst:  # for what a worker had in hand when it died nothing else is enqueued before the next sweep
        for job in ("sweep", "pull"):
            system.queue.enqueue_once(job)
    # A connection of its own: RQ sets its time-out to a minute, and a job that enqueues must not hang so long.
    connection = connect_redis(system.redis_url)
    queues = [Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES]
    while True:
        worker = None
        try:
            _refuse_eviction(connection)
            worker = _ReconnectingWorker(
                queues, connection=connection, serializer=JSONSerializer, worker_ttl=WORKER_SECONDS
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


def _refuse_eviction(connection: redis.Redis) -> None:
    """Refuse to start on a Redis that evicts keys when it is full: it would silently drop waiting jobs."""
    policy = connection.info("memory").get("maxmemory_policy")  # hosted ones refuse CONFIG
    if policy not in (None, "noeviction"):
        raise SystemExit(
            f"Redis 的 maxmemory-policy 是 {policy}，内存满时会悄悄丢任务；请设为 noeviction 后再启动\n"
            f"Redis may drop jobs (maxmemory-policy {policy}); set it to noeviction"
        )
