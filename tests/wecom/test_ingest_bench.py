"""`flask bench ingest` processes every message, also through the native library."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands.bench import ingest
from bot.commands.bench.ingest import ArchiveKind, measure
from bot.commands.bench.scratch_systems import Surroundings
from bot.wecom.archive import SealedRow
from bot.wecom.native import ArchiveAccess, NativeArchive
from tests.support.bench_place import bench_place
from tests.wecom.test_native import files, library, seal

pytestmark = pytest.mark.long
__all__ = ["files", "library"]


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Iterator[Surroundings]:
    with bench_place(tmp_path, database_url) as found:
        yield found


def test_every_message_arrives(place: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    steps: list[int] = []
    speed = measure(place, 600, lambda: steps.append(1))
    assert (speed.messages, len(steps)) == (600, 3)
    assert min(speed.rsa_alone, speed.opened, speed.whole) > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_message_arrives_through_the_native_library(
    place: Surroundings, library: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    archives: list[NativeArchive] = []

    def in_library(rows: list[SealedRow]) -> NativeArchive:
        lines = [f"{row.seq}\t{json.dumps(vars(row))}" for row in rows]
        (files / "rows").write_text("\n".join(lines))
        archives.append(NativeArchive(library, ArchiveAccess("ww1", "s3cret")))
        return archives[0]

    kind = ArchiveKind(in_library, seal=lambda key, text: seal(text, key))
    speed = measure(place, 600, kind=kind)
    archives[0].close()
    assert speed.messages == 600
