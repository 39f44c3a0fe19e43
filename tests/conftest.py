"""Parts that any test may ask for: a database with this release's schema, the samples beside the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.schema import upgrade
from bot.store import Store

_BESIDE = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of samples next to the checkout; tests that read it skip, and say so, where it is absent."""
    folder = Path(os.environ.get("TICI_SHARED", _BESIDE))
    if not folder.is_dir():
        pytest.skip(f"samples absent: {folder}")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty database of this release."""
    store = Store(f"sqlite:///{tmp_path / 'tici.db'}")
    upgrade(store.engine)
    yield store
    store.close()
