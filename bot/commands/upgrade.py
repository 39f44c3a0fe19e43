"""`flask upgrade`: a look before, a backup by which one can go back, and the database brought to this release."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext
from rich.markup import escape
from sqlalchemy.exc import OperationalError

from bot.commands.terminal import console, fail, progress_bar, system_at_hand
from bot.ops.doctor.finding import BAD, OK, WARN
from bot.ops.upgrade import before_upgrade, is_running, readiness
from bot.platform import clock
from bot.platform.database import schema

_SIGNS = {OK: "[green]✓[/]", WARN: "[yellow]![/]", BAD: "[red]✗[/]"}


@click.command("upgrade", help="升级到这一版：先核对，再备份，然后改数据库。--check 只核对，不动任何东西。")
@click.option("--check", "only_check", is_flag=True, help="只说会改什么、备份与磁盘够不够；有错以 1 退出")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="备份放在哪里，默认 var/backups")
@with_appcontext
def upgrade(only_check: bool, folder: Path | None) -> None:
    system, now = system_at_hand(), clock.now()
    backups = folder or system.environment.var / "backups"
    found = list(readiness(system, backups, now))
    for one in found:
        console.print(
            f"{_SIGNS[one.finding.level]} [bold]{one.title}[/]  {escape(one.finding.found)}", highlight=False
        )
        if one.finding.mend:
            console.print(f"    {escape(one.finding.mend)}", highlight=False)
    if any(one.finding.level == BAD for one in found):
        fail("先改好标红的，再升级。什么都没有动")
    if only_check:
        return
    if is_running(system, now):
        fail("Tici 还在运行：请先停掉网页、worker 与 scheduler，再升级。什么都没有动")
    before = schema.current_revision(system.store.engine)
    if before == schema.head_revision():
        console.print("数据库已是这一版的，不用改")
        return
    path = None
    if before is not None:
        with progress_bar("备份") as progress:
            bar = progress.add_task("", total=None)
            path = before_upgrade(system, backups, now, lambda _name, rows: progress.advance(bar, rows)).path
        console.print(f"已备份：{path}", highlight=False)
    try:
        _, after = schema.upgrade(system.store.engine)
    except OperationalError as error:
        fail(f"没有升级成：{error.orig}\n数据库还是原来的样子，备份在 {path}")
    console.print(f"数据库已是版本 {after}，现在可以启动了")
    if path is not None:
        console.print(
            f"要回到原来的那一版：停掉各进程，换回原来的程序，运行 flask restore {path} --replace", highlight=False
        )
