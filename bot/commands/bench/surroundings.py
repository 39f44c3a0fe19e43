"""The surroundings that benchmark commands share: a temporary folder and scratch databases of the kind asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from flask import current_app

from bot.commands.bench.scratch_databases import Kind, NoServerError, scratch_databases
from bot.commands.bench.scratch_systems import Surroundings
from bot.commands.terminal import fail
from bot.system import System

database_option = click.option(
    "--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True
)


class Numbers(click.ParamType[tuple[int, ...]]):
    """Several whole numbers with commas between them, such as "1,2,4"."""

    name = "integers"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """See click.ParamType."""
        words = [word.strip() for word in str(value).replace("，", ",").split(",")]
        if not all(word.isdecimal() and self.least <= int(word) <= self.most for word in words):
            self.fail(f"「{value}」应是 {self.least} 到 {self.most} 的整数，用逗号隔开，例如 1,2,4", param, ctx)
        return tuple(map(int, words))


@contextmanager
def surroundings(database: Kind) -> Iterator[Surroundings]:
    """What a benchmark is run in; ends the command where there is no PostgreSQL server."""
    system: System = current_app.extensions["tici"]
    with tempfile.TemporaryDirectory(prefix="tici-bench-") as folder:
        try:
            with scratch_databases(database, Path(folder), system.environment.database_url) as new_database:
                yield Surroundings(system, Path(folder), new_database)
        except NoServerError as problem:
            fail(str(problem))
