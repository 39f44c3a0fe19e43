"""`flask status` and `flask board-link`."""

from __future__ import annotations

from datetime import timedelta

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import OperationalError

from bot.commands.terminal import Table, console, fail, system_at_hand
from bot.ops import status
from bot.platform import clock
from bot.platform.signed_links import board_url

_STYLES = {"ok": "green", "fact": "default", "warn": "yellow", "bad": "red"}


@click.command("status", help="看一眼系统：配置、存档、任务、队列、调度器。有红色项时以 1 退出。")
@with_appcontext
def show_status() -> None:
    system = system_at_hand()
    try:
        lines = status.system_status(system, clock.now())
    except OperationalError as error:
        fail(f"连不上数据库：{error.orig}\n检查 TICI_DATABASE_URL")
    table = Table("项目", "现状", "怎么办", title="提词 Tici", title_justify="left")
    for line in lines:
        table.add_row(line.what, f"[{_STYLES[line.level]}]{_plain(line.value)}[/]", _plain(line.advice))
    console.print(table)
    raise SystemExit(1 if any(line.level == "bad" for line in lines) else 0)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@click.command("board-link", help="生成一个打开看板的链接（只读）。")
@click.option("--hours", default=12, show_default=True, type=click.IntRange(1, 24 * 30))
@with_appcontext
def board_link(hours: int) -> None:
    system = system_at_hand()
    click.echo(board_url(system.environment.base_url, system.signing_key, clock.now(), timedelta(hours=hours)))
