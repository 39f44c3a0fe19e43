"""The surroundings of a benchmark in a test: a small config, a folder of its own, and scratch databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from bot.commands.bench.scratch_databases import Kind, scratch_databases
from bot.commands.bench.scratch_systems import Surroundings
from bot.platform.environment import read_environment
from bot.system import System
from tests.support.parts import variables


@contextmanager
def bench_place(folder: Path, database_url: str) -> Iterator[Surroundings]:
    """Where a benchmark runs; no scratch database may be left on the server."""
    (folder / "own").mkdir()
    system = System(read_environment(variables(folder / "own", TICI_DATABASE_URL=database_url)))
    kind: Kind = "postgresql" if database_url.startswith("postgres") else "sqlite"
    with scratch_databases(kind, folder, database_url) as new_database:
        yield Surroundings(system, folder, new_database)
    if kind == "postgresql":
        with system.store.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM pg_database WHERE datname LIKE 'tici_bench_%'")) == 0
    system.store.close()
