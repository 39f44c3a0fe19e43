"""Two agents of one customer whose phones carry a group of tags; what stands on other configs has its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.system import System
from tests.support.parts import Town
from tests.support.phones import PHONE, Phones


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(PHONE, encoding="utf-8")
    return path


@pytest.fixture
def pair(config: Path, system: System, sandbox: Town) -> Phones:
    assert config.exists()
    return Phones(system, sandbox.control).meet_both()
