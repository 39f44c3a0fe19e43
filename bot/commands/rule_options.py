"""What the commands about rules share: their options, how they load a config and read files, how they show JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot.commands.input_files import read_lines
from bot.commands.terminal import (
    fail,
    fail_by_config,
    system_at_hand,
)
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.config.settings import Settings, load_settings
from taggers.rule import parse_duration

CONFIG = click.option(
    "--config", "path", type=click.Path(path_type=Path), default=None, help="配置文件，默认正在使用的 config.toml"
)
JSON = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
SINCE = click.option("--since", default="30d", show_default=True, help="往回看多久，如 30d、12w")


def load(path: Path | None, *, examples: bool = True) -> Settings:
    """Load the config a command names, or end with every problem in it."""
    path = path or system_at_hand().environment.config
    try:
        return load_settings(path, examples=examples)
    except ConfigError as error:
        fail_by_config(error, path)


def ago(length: str) -> datetime:
    """The moment so long ago, or the end of the command."""
    try:
        return clock.now() - parse_duration(length)
    except (ValueError, OverflowError) as problem:
        fail(f"--since：{problem}")


def show(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def as_list(value: object) -> list[object]:
    """The list that a field of a file should be; an empty one where it is something else."""
    return value if isinstance(value, list) else []


def lines_of(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """The objects of a JSON Lines file with their line numbers, or the end of the command."""
    try:
        yield from read_lines(path)
    except ValueError as problem:
        fail(str(problem))
