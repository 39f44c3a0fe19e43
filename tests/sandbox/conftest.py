"""A real sandbox on a real port, and a real receiver for its callbacks."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.corp import prepare
from tests.sandbox.wecom import Receiver, Wecom


@pytest.fixture(scope="session")
def corp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One corp for all tests: its RSA key takes a moment to make."""
    folder = tmp_path_factory.mktemp("corp")
    prepare(folder)
    return folder


@pytest.fixture(autouse=True)
def clock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Time may be moved forward, in this test only."""
    monkeypatch.setenv("TICI_CLOCK_FILE", str(tmp_path / "clock"))
    return tmp_path / "clock"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where callbacks arrive."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


@pytest.fixture
def folder(corp_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(corp_folder, tmp_path / "sandbox"))


@pytest.fixture
def wecom(folder: Path, receiver: Receiver) -> Iterator[Wecom]:
    """A sandbox with its founding company."""
    with Wecom(folder, receiver) as wecom:
        yield wecom
