"""A world to break, and the nursery its processes come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.nursery import Nursery
from tests.faults.world import World, open_world


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Forks workers and schedulers."""
    with Nursery() as nursery:
        yield nursery


@pytest.fixture
def world(
    database_url: str, valkey: str, nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A world on both databases."""
    with open_world(tmp_path, database_url, valkey, nursery, monkeypatch) as world:
        yield world


@pytest.fixture
def lite_world(valkey: str, nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world on SQLite, where the database is beside the point."""
    url = f"sqlite:///{tmp_path / 'tici.db'}"
    with open_world(tmp_path, url, valkey, nursery, monkeypatch) as world:
        yield world
