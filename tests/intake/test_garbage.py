"""A process that is ready to work looks for cyclic garbage a few times in a batch, not hundreds of times."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bot.customers.state import CustomerState
from bot.platform.database.store import Store
from bot.platform.garbage import look_seldom
from tests.intake.test_batch_cost import talk
from tests.support.archived import Archived


@contextmanager
def looks() -> Iterator[list[int]]:
    """The generations that are looked at meanwhile."""
    seen: list[int] = []

    def note(phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_batch_is_looked_through_a_few_times(store: Store) -> None:
    archived, before = Archived(store), gc.get_threshold()
    archived.arrive(*talk(1, "你好", 0))
    gc.set_threshold(700, 10, 10)  # Python's own
    try:
        with looks() as often:
            archived.arrive(*talk(15, "在吗", 1))
        look_seldom()
        with looks() as seldom:
            archived.arrive(*talk(15, "好的", 2))
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
    assert len(seldom) * 10 < len(often)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_was_known_about_a_batch_goes_without_a_look(store: Store) -> None:
    archived = Archived(store)
    gc.collect()
    gc.disable()
    try:
        archived.arrive(*talk(2, "你好", 0))
        assert not [one for one in gc.get_objects() if isinstance(one, CustomerState)]
    finally:
        gc.enable()
