"""`flask bench ingest` processes every message, also through the native library."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.commands.bench import ingest
from bot.commands.bench.ingest import ArchiveKind, measure
from bot.platform.environment import read_environment
from bot.system import System
from bot.wecom.archive import SealedRow
from bot.wecom.native import ArchiveAccess, NativeArchive
from tests.support.parts import variables
from tests.wecom.test_native import files, library, seal

pytestmark = pytest.mark.long
__all__ = ["files", "library"]


@pytest.fixture
def system(tmp_path: Path) -> System:
    (tmp_path / "own").mkdir()
    return System(read_environment(variables(tmp_path / "own")))


def test_every_message_arrives(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    steps: list[int] = []
    speed = measure(system, tmp_path, 600, lambda: steps.append(1))
    assert (speed.messages, len(steps)) == (600, 3)
    assert min(speed.rsa_alone, speed.opened, speed.whole) > 0


def test_every_message_arrives_through_the_native_library(
    system: System, tmp_path: Path, library: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    archives: list[NativeArchive] = []

    def in_library(rows: list[SealedRow]) -> NativeArchive:
        lines = [f"{row.seq}\t{json.dumps(vars(row))}" for row in rows]
        (files / "rows").write_text("\n".join(lines))
        archives.append(NativeArchive(library, ArchiveAccess("ww1", "s3cret")))
        return archives[0]

    kind = ArchiveKind(in_library, seal=lambda key, text: seal(text, key))
    speed = measure(system, tmp_path, 600, kind=kind)
    archives[0].close()
    assert speed.messages == 600
