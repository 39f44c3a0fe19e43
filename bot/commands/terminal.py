"""Terminal: the consoles, errors, progress bar and System that all commands share."""

from __future__ import annotations

import getpass
import os
from typing import Any, NoReturn

from flask import current_app
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.table import Table as RichTable
from sqlalchemy.exc import OperationalError

from bot.platform.config.parsing import ConfigError
from bot.platform.database import schema
from bot.system import System, use_system

_PIPED = 160  # columns where no terminal says how many there are


def _console(stderr: bool = False) -> Console:
    """A console; into a pipe or a file it is wide, for a table folded to 80 columns is hard to search in."""
    made = Console(stderr=stderr)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = _PIPED
    return made


console = _console()
errors = _console(stderr=True)


class Table(RichTable):
    """A table whose cells fold into several lines instead of losing what does not fit."""

    def __init__(self, *headers: Column | str, **options: Any) -> None:
        super().__init__(*headers, **options)
        for column in self.columns:
            column.overflow = "fold"

    def add_column(self, header: RenderableType = "", footer: RenderableType = "", **options: Any) -> None:
        super().add_column(header, footer, **{"overflow": "fold", **options})


def fail(message: str) -> NoReturn:
    """Say in red what is wrong and how to mend it, and end with 1."""
    errors.print(message, style="red", markup=False, highlight=False)
    raise SystemExit(1)


def fail_by_config(error: ConfigError, path: object) -> NoReturn:
    """Show every problem of a config file as a table, and end with 1."""
    table = Table("位置", "键", "问题与改法", title=f"{path}：{len(error.problems)} 处要改", title_justify="left")
    for problem in error.problems:
        table.add_row(f"{problem.line}:{problem.column}", problem.where, problem.message)
    errors.print(table, markup=False)
    raise SystemExit(1)


def operator() -> str:
    """The audit log's name for the user of the command line."""
    return f"cli:{getpass.getuser()}"


def system_at_hand() -> System:
    """The System of this command, which its jobs use as well."""
    system: System = current_app.extensions["tici"]
    use_system(system)
    return system


def migrated_system() -> System:
    """The same, with a database that answers and is of this release; otherwise an end that says what to do."""
    system = system_at_hand()
    try:
        found, needed = schema.current_revision(system.store.engine), schema.head_revision()
    except OperationalError as error:
        fail(f"连不上数据库：{error.orig}\n检查 TICI_DATABASE_URL / cannot reach the database")
    if found != needed:
        state = f"是版本 {found}" if found else "还是空的"
        fail(f"数据库{state}，需要版本 {needed}。请先运行：flask db upgrade / please run it first")
    return system


def progress_bar(label: str, quiet: bool = False) -> Progress:
    """A progress bar on standard error, so that standard output stays clean for --json."""
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=errors, disable=quiet)
