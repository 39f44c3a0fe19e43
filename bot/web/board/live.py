"""Live updates of open boards: a stamp of the newest rows, a few event streams that carry it, and a shared cache."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.database.store import Store
from bot.platform.models import (
    AuditEntry,
    CallbackEvent,
    Customer,
    Evidence,
    Message,
    Outbox,
    SopTask,
    StageMove,
    Tagging,
)

MOST_STREAMS = 3  # each occupies a thread of the server and looks at the database; boards beyond that poll
STREAM_SECONDS = 25.0
_LOOK_EVERY = 1.0
_WATCHED = (StageMove, Message, Tagging, SopTask, Evidence, Outbox, Customer, CallbackEvent, AuditEntry)
Value = TypeVar("Value")


def stamp_of(session: Session, version: str) -> str:
    """A text that stays equal until a new row is stored; costs the largest id of nine tables, each from its index.

    What stores no row (a tag that expires, a task that is delivered) is seen when a board next asks for everything.
    """
    newest = session.execute(select(*(select(func.max(model.id)).scalar_subquery() for model in _WATCHED))).one()
    return "-".join((version, *(str(number or 0) for number in newest)))


class EventStreams:
    """The event streams of one process: at most MOST_STREAMS, each for STREAM_SECONDS."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._free = threading.BoundedSemaphore(MOST_STREAMS)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._latest = ("", 0.0)

    def take(self) -> bool:
        """Take a slot for a stream; False where all are taken. Give it back by `leave`."""
        return not self._stopped.is_set() and self._free.acquire(blocking=False)

    def leave(self) -> None:
        self._free.release()

    def stop(self, seconds: float = 10.0) -> None:
        """End all streams and wait until they have ended."""
        self._stopped.set()
        for _ in range(MOST_STREAMS):
            self._free.acquire(timeout=seconds)

    def watch(self, version: Callable[[], str], seen: str) -> Iterator[str]:
        """Server-sent events: one for each stamp that is not the one seen last."""
        ends = time.monotonic() + STREAM_SECONDS
        yield "retry: 1000\n\n"
        while time.monotonic() < ends and not self._stopped.is_set():
            stamp = self._now(version())
            if stamp != seen:
                seen = stamp
                yield f"id: {stamp}\nevent: changed\ndata: {stamp}\n\n"
            else:
                yield ": \n\n"  # a comment: writing it fails once the browser has gone
            self._stopped.wait(_LOOK_EVERY)

    def _now(self, version: str) -> str:
        """The stamp, looked up once a second for all streams together."""
        with self._lock:
            stamp, at = self._latest
            if time.monotonic() - at >= _LOOK_EVERY * 0.9:
                with self._store.read() as session:
                    stamp = stamp_of(session, version)
                self._latest = (stamp, time.monotonic())
            return stamp


class SharedCache(Generic[Value]):
    """A cache of what many open boards ask for at the same moment: valid some seconds, while the stamp holds."""

    def __init__(self, seconds: float = 5.0, most: int = 64) -> None:
        self._seconds, self._most = seconds, most
        self._kept: dict[Hashable, tuple[str, float, Value]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, key: Hashable, stamp: str, read: Callable[[], Value]) -> Value:
        """What is kept for the key, or what `read` gives."""
        with self._guard:
            if len(self._locks) >= self._most and key not in self._locks:
                self._kept.clear()
                self._locks.clear()
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == stamp and time.monotonic() - kept[1] < self._seconds:
                return kept[2]
            value = read()
            self._kept[key] = (stamp, time.monotonic(), value)
            return value
