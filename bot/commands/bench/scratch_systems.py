"""Scratch systems of a benchmark: Systems with a new database each, and a sandbox WeCom in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bot.commands.bench.scratch_databases import NewDatabase
from bot.commands.demo.stack import Stack
from bot.platform.database.schema import upgrade
from bot.platform.environment import CallbackSecrets, WeComAccess
from bot.platform.valkey import stop_valkey
from bot.system import System

CORP = "wwBENCH"
_NONE = CallbackSecrets("", "")
_DATABASE = "TICI_DATABASE_URL"


@dataclass(frozen=True)
class Surroundings:
    """Where a benchmark runs: folders of its own below this one, and a new database for each system.

    config: in place of the one in force.
    """

    system: System
    folder: Path
    new_database: NewDatabase
    config: Path | None = None

    @property
    def config_path(self) -> Path:
        return (self.config or self.system.environment.config).resolve()


@contextmanager
def scratch_system(place: Surroundings, name: str, callback: CallbackSecrets = _NONE) -> Iterator[System]:
    """A System with the config in force and a queue of its own, which asks nothing of any WeCom."""
    folder = place.folder / name
    folder.mkdir()
    corp: dict[str, Any] = {"corp_id": CORP, "app_id": 1, "app_secret": "", "archive_secret": "none is asked"}
    access = WeComAccess(
        **corp, callback=callback, archive_callback=callback, api_url="http://127.0.0.1:1/", archive="sandbox",
        private_keys=folder, finance_sdk=None,
    )  # fmt: skip
    own = System(
        replace(place.system.environment, var=folder, config=place.config_path, database_url=place.new_database(),
                redis_url=None, wecom=access, data_keys=None, data_keys_file=folder / "data.keys")
    )  # fmt: skip
    upgrade(own.store.engine)
    own.settings  # noqa: B018 - compiled before anything is measured
    own.queue  # noqa: B018 - and the queue begun
    try:
        yield own
    finally:
        own.store.close()
        with suppress(FileNotFoundError):
            stop_valkey(folder)


@contextmanager
def sandbox_stack(place: Surroundings, name: str, workers: int = 0) -> Iterator[Stack]:
    """A sandbox WeCom and so many workers as processes, on a new database; no web server and no scheduler."""
    before = os.environ.get(_DATABASE)
    os.environ[_DATABASE] = place.new_database()  # a stack's processes read it there
    without = frozenset({"web", "scheduler"})
    try:
        with Stack(place.folder / name, place.config_path, workers=workers, without=without) as stack:
            yield stack
    finally:
        os.environ.pop(_DATABASE)
        if before is not None:
            os.environ[_DATABASE] = before
