"""QueuedJob: a job as it lies in Redis, of which nothing is believed but the name of an allowed job and row ids.

Whoever can write to Redis could otherwise have the worker import and call any function: RQ's own class takes the
function, the callbacks, the webhooks and the time-out from there.
"""

from __future__ import annotations

import inspect
import json
import zlib
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeAlias

from rq.job import Job, JobStatus

from bot.wecom.errors import BotError

MODULE = "bot.worker.jobs"
REFUSED = "refused_jobs"  # the status that counts refusals
JOB_SECONDS = 180
FAILED_SECONDS = 86400
LARGEST_ID = 2**63 - 1
_MOST_BYTES = 4096
_ORIGINS = (b"high", b"default", b"low")
Jobs: TypeAlias = Mapping[str, Callable[..., None]]


class RefusedJobError(BotError):
    """What lies in Redis is not a job of ours; the text says what about it, without repeating it."""


def allow(*functions: Callable[..., None]) -> Jobs:
    """The register of jobs by name; raises TypeError for a function whose arguments are not all row ids (int)."""
    for function in functions:
        kinds = [one.annotation for one in inspect.signature(function).parameters.values()]
        if any(kind not in (int, "int") for kind in kinds):
            raise TypeError(f"{function.__name__}: a job takes row ids only, each annotated as int")
    return {function.__name__: function for function in functions}


class QueuedJob(Job):
    """A job out of `calls`. What is none is refused: told to `refused`, dropped, never called."""

    calls: ClassVar[Jobs] = {}
    refusal: str | None = None

    @staticmethod
    def refused(reason: str) -> None:
        """Called with the reason of each refusal."""
        raise NotImplementedError

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Take the call from Redis, and nothing else: no callback, webhook, dependency, repetition or time-out."""
        name, ids = "", tuple[int, ...]()
        try:
            name, ids = read_call(raw_data.get(b"data", b""), self.calls)
        except RefusedJobError as error:
            self.refusal = str(error)
        self._func_name, self._args, self._kwargs, self._instance = f"{MODULE}.{name}", ids, {}, None
        self._status = JobStatus.QUEUED
        self.timeout, self.result_ttl, self.failure_ttl = JOB_SECONDS, 0, FAILED_SECONDS
        origin = raw_data.get(b"origin", b"")
        self.origin = origin.decode() if origin in _ORIGINS else "low"

    @property
    def func(self) -> Callable[..., None]:
        """The function, looked up and never imported."""
        return self.calls[str(self._func_name).rpartition(".")[2]]

    @property
    def success_callback(self) -> None:
        return None

    @property
    def failure_callback(self) -> None:
        return None

    @property
    def stopped_callback(self) -> None:
        return None

    def perform(self) -> None:
        """Run the job, or refuse it."""
        if self.refusal is not None:
            self.refused(self.refusal)
        else:
            self.func(*self.args)


def read_call(data: bytes, jobs: Jobs) -> tuple[str, tuple[int, ...]]:
    """Name and row ids of a call as RQ stores it; raises RefusedJobError for anything else."""
    try:
        call = json.loads(_unpacked(data))
    except (ValueError, RecursionError):
        raise RefusedJobError("not readable") from None
    if not isinstance(call, list) or len(call) != 4:
        raise RefusedJobError("not a call")
    function, instance, args, kwargs = call
    if instance is not None or kwargs != {} or not isinstance(function, str) or not isinstance(args, list):
        raise RefusedJobError("not a call of a function with row ids")
    module, _, name = function.rpartition(".")
    if module != MODULE or name not in jobs:
        raise RefusedJobError("a function that is no job")
    if len(args) != len(inspect.signature(jobs[name]).parameters):
        raise RefusedJobError(f"wrong number of row ids for {name}")
    if not all(type(one) is int and 0 < one <= LARGEST_ID for one in args):
        raise RefusedJobError(f"something else than row ids for {name}")
    return name, tuple(args)


def _unpacked(data: bytes) -> bytes:
    """The call as JSON; a few bytes may unpack to gigabytes, so only as much is unpacked as a call may have."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, _MOST_BYTES)
    except zlib.error:
        plain = data  # RQ reads what is not packed as well
    if unpacker.unconsumed_tail or len(plain) > _MOST_BYTES:
        raise RefusedJobError("too long")
    return plain
