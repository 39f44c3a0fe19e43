"""`flask customer`: fields of customers that WeCom does not know, set by hand or from a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click
from flask.cli import with_appcontext

from bot.commands.terminal import console, errors, migrated_system
from bot.customers.fields import MOST_BYTES, FieldRefusedError, Writer, import_fields, write_field
from bot.platform import clock
from bot.system import System

MOST_SHOWN = 50


@click.group("customer", help="客户的自定义字段（生日、到期日，以及配置里 [[fields]] 声明的）。")
def customer() -> None: ...


@customer.command(
    "set", help="给一位客户设一个字段；值留空就是清除。例：flask customer set wmXXXX birthday 1990-05-20"
)
@click.argument("external_userid")
@click.argument("name")
@click.argument("value")
@with_appcontext
def set_one(external_userid: str, name: str, value: str) -> None:
    system = migrated_system()
    fields = system.settings.fields  # before the transaction: nobody waits for the database while we read
    try:
        with system.store.write() as session:
            kept = write_field(session, fields, external_userid, name, value, _writer(system))
    except FieldRefusedError as refused:
        _refuse(refused)
    console.print(f"{external_userid} 的 {name}：{kept or '已清除'}", markup=False, highlight=False)


@customer.command("import", help="从 CSV 导入字段：第一列 external_userid，其余列是字段名。有一处错就一行也不导入。")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def import_table(path: Path) -> None:
    system = migrated_system()
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)  # one more says that it is too large
    fields = system.settings.fields
    try:
        with system.store.write() as session:
            count = import_fields(session, fields, raw, _writer(system))
    except FieldRefusedError as refused:
        _refuse(refused)
    console.print(f"导入了 {count} 位客户", style="green")


def _writer(system: System) -> Writer:
    return Writer.of(system.settings, "flask customer", clock.now())


def _refuse(refused: FieldRefusedError) -> NoReturn:
    for problem in refused.problems[:MOST_SHOWN]:
        errors.print(problem, style="red", markup=False, highlight=False)
    rest = len(refused.problems) - MOST_SHOWN
    if rest > 0:
        errors.print(f"还有 {rest} 处", style="red")
    raise SystemExit(1)
