"""The worker: RQ with everything heavy loaded before the first job, so that jobs start at once."""

from __future__ import annotations

from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from bot import jobs  # noqa: F401 - jobs are called by name; loading them here saves each first call
from bot.log import get_logger
from bot.queue import QUEUES
from bot.system import System

_log = get_logger(__name__)


def run(system: System, *, burst: bool = False) -> None:
    """Work until SIGTERM or Ctrl-C (or, with burst, until the queues are empty).

    Jobs run in this very process: they are short, leave all state in the database, and a forked child a job
    would cost more than the job. A worker that dies is replaced by starting another; leases run out by themselves.
    """
    system.settings  # noqa: B018 - compile the rule book before the first message waits for it
    connection = system.bell.connection
    _refuse_eviction(system)
    queues = [Queue(name, connection=connection, serializer=JSONSerializer) for name in QUEUES]
    worker = SimpleWorker(queues, connection=connection, serializer=JSONSerializer)
    worker.push_exc_handler(_note)  # type: ignore[no-untyped-call]
    worker.work(burst=burst, logging_level="WARNING")


def _note(job: object, kind: type[BaseException], error: BaseException, _trace: object) -> bool:
    """One line for a job that failed; the sweep rings for it again, so RQ need not keep it."""
    name = getattr(job, "func_name", "?")
    level = _log.warning if issubclass(kind, SQLAlchemyError) else _log.error
    level("job failed", job=name, error=f"{kind.__name__}: {error}"[:300])
    return False


def _refuse_eviction(system: System) -> None:
    """A Redis that may drop keys when it is full would silently drop wake-up calls."""
    policy = system.bell.connection.config_get("maxmemory-policy").get("maxmemory-policy")
    if policy not in (None, "noeviction"):
        raise SystemExit(
            f"Redis 的 maxmemory-policy 是 {policy}，内存满时会悄悄丢任务；请设为 noeviction 后再启动\n"
            f"Redis may drop jobs (maxmemory-policy {policy}); set it to noeviction"
        )
