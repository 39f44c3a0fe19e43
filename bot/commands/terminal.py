"""Terminal: the consoles, errors, progress bar and System that all commands share."""

from __future__ import annotations

import getpass
from typing import NoReturn

from flask import current_app
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy.exc import OperationalError

from bot.platform.config.settings import ConfigError
from bot.platform.database import schema
from bot.system import System, use_system

console = Console()
errors = Console(stderr=True)


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
