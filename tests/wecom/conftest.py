"""Where the recorded samples of WeCom lie; tests that read them say so when they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[3] / "shared"


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded callbacks, messages and vectors."""
    folder = Path(os.environ.get("TICI_SHARED", _BESIDE)) / "wecom" / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"recorded samples absent: {folder}")
    return folder
