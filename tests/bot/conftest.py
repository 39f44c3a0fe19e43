"""A site for the tests of pages, and rows for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.site import Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A web application on an empty database, WeCom configured, no queue running."""
    with open_site(tmp_path) as site:
        yield site
