"""Measures how fast real workers read a long archive: processes that take RQ jobs, and a sandbox WeCom over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from bot.commands.bench.lag import AGENTS, QUESTION, SMALL_TALK
from bot.commands.bench.scratch_systems import Surroundings, sandbox_stack
from bot.commands.demo.stack import Stack
from bot.intake.pull import BATCH
from bot.platform.models import ArchiveCursor
from bot.system import System
from bot.wecom.errors import BotError

CUSTOMERS, ASKERS = 500, 10
_PATIENCE = 600.0  # seconds without a further batch: between two, what follows from the first is sent


class StuckError(BotError):
    """The workers stopped reading before the archive's end."""


@dataclass(frozen=True)
class WorkersRun:
    """Messages a second from the first committed batch to the last, by so many workers, which deliver meanwhile what
    follows from the messages; beside RSA alone over the same rows, once the workers were stopped."""

    workers: int
    messages: int
    rsa_alone: float
    whole: float

    @property
    def whole_share(self) -> float:
        return self.whole / self.rsa_alone


def measure_workers(place: Surroundings, messages: int, workers: int) -> WorkersRun:
    """Put the messages into a sandbox's archive, then have workers read them. Raises StuckError."""
    with sandbox_stack(place, f"workers-{workers}", workers) as stack:
        hands = [child for child in stack.children if child.name.startswith("worker")]
        for child in hands:
            stack.stop(child)
        stack.control.archive(_messages(messages))
        for child in hands:
            stack.start(child)
        whole = _watch(stack.system, messages)
        for child in hands:
            stack.stop(child)
        return WorkersRun(workers, messages, round(_rsa_alone(stack, messages), 1), round(whole, 1))


def _messages(count: int) -> list[dict[str, Any]]:
    return [
        {
            "from": f"wmWORK{number % CUSTOMERS:026}",
            "to": f"Bench{number % CUSTOMERS % AGENTS:02}",
            "text": QUESTION if number % ASKERS == 0 else SMALL_TALK[number % len(SMALL_TALK)],
        }
        for number in range(count)
    ]


def _watch(system: System, messages: int) -> float:
    """Messages a second, from the first batch that was seen committed to the last message."""
    first, began, last, moved = 0, 0.0, 0, time.monotonic()
    while last < messages:
        time.sleep(0.02)
        seq, now = _seq(system), time.monotonic()
        if seq > last:
            first, began = (first, began) if first else (seq, now)
            last, moved = seq, now
        elif now - moved > _PATIENCE:
            raise StuckError(f"{last} / {messages}")
    return (last - first) / (moved - began) if moved > began else 0.0


def _seq(system: System) -> int:
    with system.store.read() as session:
        return session.scalar(select(ArchiveCursor.seq)) or 0


def _rsa_alone(stack: Stack, messages: int) -> float:
    pages: list[Sequence[Any]] = []
    while sum(map(len, pages)) < messages:
        pages.append(stack.system.archive.pull(pages[-1][-1].seq if pages else 0, BATCH))
    began = time.perf_counter()
    opened = sum(isinstance(key, str) for page in pages for key in stack.system.keyring.unwrap_many(page))
    return opened / (time.perf_counter() - began)


def measure_all(
    place: Surroundings, messages: int, counts: Sequence[int], advance: Callable[[], object] = lambda: None
) -> list[WorkersRun]:
    """One run for each number of workers."""
    runs = []
    for workers in counts:
        runs.append(measure_workers(place, messages, workers))
        advance()
    return runs
