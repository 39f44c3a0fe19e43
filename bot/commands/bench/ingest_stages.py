"""Measures what a message of a long archive costs the processor by stage, and what a batch asks the database."""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import event

from bot.intake.messages import OpenedRow
from bot.intake.pipeline import apply, batch_of, decide, gather, part
from bot.intake.pull import BATCH
from bot.platform.garbage import looked_at_after
from bot.system import System
from bot.wecom.archive import SealedRow
from bot.wecom.messages import read_message

T = TypeVar("T")
STAGES = ("rsa", "open", "read", "gather", "decide", "apply", "commit")


@dataclass
class Costs:
    """microseconds: of processor time a message, by stage, one core. statements: a batch, the dearest one.
    peak_megabytes: the largest this process has been."""

    microseconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    statements: int = 0
    peak_megabytes: float = 0.0

    def timed(self, stage: str, work: Callable[[], T]) -> T:
        """Do the work and count what it costs the processor."""
        began = time.process_time()
        done = work()
        self.microseconds[stage] += (time.process_time() - began) * 1e6
        return done


def measure_stages(system: System, rows: Sequence[SealedRow]) -> Costs:
    """Take in the rows batch by batch in this process alone; the system's database must be empty."""
    costs = Costs()
    for start in range(0, len(rows), BATCH):
        with looked_at_after():
            _take_in(system, rows[start : start + BATCH], costs)
    costs.microseconds = {stage: round(costs.microseconds[stage] / len(rows), 1) for stage in STAGES}
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB; on macOS in bytes
    costs.peak_megabytes = round(largest / (1024 * (1024 if sys.platform == "darwin" else 1)), 1)
    return costs


def _take_in(system: System, rows: Sequence[SealedRow], costs: Costs) -> None:
    keys = costs.timed("rsa", lambda: [system.keyring.unwrap(row) for row in rows])
    sealed = [(key, row.encrypt_chat_msg) for key, row in zip(keys, rows, strict=True)]
    plains = costs.timed("open", lambda: [p for p in system.archive.decrypt_many(sealed) if isinstance(p, bytes)])
    read = costs.timed("read", lambda: [read_message(plain) for plain in plains])
    arrived = [OpenedRow(row.seq, message) for row, message in zip(rows, read, strict=True)]
    with _counted(system) as statements:
        opened = system.work()
        work = opened.__enter__()
        stored = costs.timed("gather", lambda: gather(work, arrived))
        work = replace(work, batch=batch_of(stored))
        costs.timed("decide", lambda: decide(work, stored))
        costs.timed("apply", lambda: apply(work))
        part(stored)
        costs.timed("commit", lambda: opened.__exit__(None, None, None))
    costs.statements = max(costs.statements, len(statements))


@contextmanager
def _counted(system: System) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(system.store.engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(system.store.engine, "before_cursor_execute", note)
