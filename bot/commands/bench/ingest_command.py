"""`flask bench ingest`: how fast a long archive is read, beside the RSA operations alone."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from bot.commands.bench import ingest
from bot.commands.bench.ingest_stages import STAGES
from bot.commands.bench.scratch_databases import Kind, NoServerError, scratch_databases
from bot.commands.terminal import Table, console, fail, progress_bar
from bot.system import System

_STAGES = {
    "rsa": "RSA 解密",
    "open": "解开密文",
    "read": "读懂",
    "gather": "收集：存下消息，读出客户",
    "decide": "判断：规则、阶段、任务",
    "apply": "写入",
    "commit": "提交",
}


@click.command("ingest", help="读一大段存档有多快：与单做 RSA 解密相比（这是上限）。")
@click.option("--messages", default=10_000, show_default=True, type=click.IntRange(500, 1_000_000))
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_ingest(messages: int, database: Kind, as_json: bool) -> None:
    try:
        speed = _measure(current_app.extensions["tici"], messages, database, as_json)
    except NoServerError as problem:
        fail(str(problem))
    if as_json:
        shares = {"opened_share": speed.opened_share, "whole_share": speed.whole_share}
        click.echo(json.dumps({**asdict(speed), "database": database, **shares}))
        return
    table = Table("", "条/秒", "占单做 RSA", title=f"{messages} 条消息，{database}", title_justify="left")
    table.add_row("单做 RSA", f"{speed.rsa_alone:,.0f}", "")
    table.add_row("解开、读懂", f"{speed.opened:,.0f}", f"{speed.opened_share:.0%}")
    table.add_row("从存档到入库（规则、阶段、任务都在内）", f"{speed.whole:,.0f}", f"{speed.whole_share:.0%}")
    console.print(table)
    spent = Table("", "微秒", title="一条消息用多少处理器时间（一个核）", title_justify="left")
    for stage in STAGES:
        spent.add_row(_STAGES[stage], f"{speed.costs.microseconds[stage]:,.0f}")
    console.print(spent)
    console.print(f"一批最多 {speed.costs.statements} 条数据库语句；内存最多 {speed.costs.peak_megabytes:,.0f} MB")


def _measure(system: System, messages: int, database: Kind, quiet: bool) -> ingest.Speed:
    with tempfile.TemporaryDirectory(prefix="tici-ingest-") as folder, progress_bar("测量", quiet) as progress:
        bar = progress.add_task("", total=3 * ingest.ROUNDS)
        with scratch_databases(database, Path(folder), system.environment.database_url) as new_database:
            place = ingest.Surroundings(system, Path(folder), new_database)
            return ingest.measure(place, messages, lambda: progress.advance(bar))
