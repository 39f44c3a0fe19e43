"""Garbage: has Python look for cyclic garbage seldom enough for processes through which many rows pass."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects after which the young are looked at, and how many such looks make one at the middle-aged and the old.
# By Python's own 700 a batch of 500 messages is looked through hundreds of times, and the heap of modules and
# dictionaries with it: a third of all the processor time of reading an archive.
_YOUNG, _MIDDLE, _OLD = 50_000, 5, 10


def look_seldom() -> None:
    """Leave out all that is loaded by now, and look at the rest less often; for a process that is ready to work."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)


@contextmanager
def looked_at_after() -> Iterator[None]:
    """Have Python not look before this is over: of a batch nearly all is in use until then, and hardly any after."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
