"""ReadAhead: fetches and opens the archive's next page while this one is committed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from bot.intake.decrypt import UnreadableRow, open_rows
from bot.intake.messages import OpenedRow
from bot.wecom.archive import SealedRow

if TYPE_CHECKING:
    from bot.system import System

_FRESH_SECONDS = 30.0  # a key that is added meanwhile should open what comes after


@dataclass(frozen=True)
class Page:
    """Rows of the archive after a seq, and what could be read of them; whether more may follow."""

    rows: Sequence[SealedRow]
    opened: Sequence[OpenedRow]
    unopened: Sequence[UnreadableRow]


class ReadAhead:
    """At most one page ahead of the one being committed. It is only used by who would read the same page next."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._after = -1
        self._begun = 0.0
        self._page: Future[Page] | None = None

    def begin(self, system: System, after: int, limit: int) -> None:
        """Start on the page after this seq, unless that is under way already."""
        if self._page is None or self._after != after:
            self._after, self._begun = after, time.monotonic()
            self._page = self._thread.submit(read_page, system, after, limit)

    def take(self, after: int, limit: int) -> Page | None:
        """The page after this seq, if it was begun, went well and is full: a shorter one may have grown since."""
        page, self._page = self._page, None
        if page is None or self._after != after or time.monotonic() - self._begun > _FRESH_SECONDS:
            return None
        if page.exception() is not None:  # asked for again, it fails where that is dealt with
            return None
        found = page.result()
        return found if len(found.rows) == limit else None


_OF_SYSTEMS: WeakKeyDictionary[System, ReadAhead] = WeakKeyDictionary()


def read_ahead_of(system: System) -> ReadAhead:
    """What this process reads ahead, also from one turn of reading to the next."""
    return _OF_SYSTEMS.setdefault(system, ReadAhead())


def read_page(system: System, after: int, limit: int) -> Page:
    """Fetch and open up to `limit` rows after a seq."""
    rows = system.archive.pull(after, limit)
    opened, unopened = open_rows(system, rows)
    return Page(rows, opened, unopened)
