"""`flask bench ingest`: how fast a long archive is read, beside the RSA operations alone."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from flask.cli import with_appcontext

from bot.commands.bench import ingest
from bot.commands.bench.growth import with_rules
from bot.commands.bench.ingest_stages import STAGES
from bot.commands.bench.ingest_workers import StuckError, WorkersRun, measure_all
from bot.commands.bench.scratch_databases import Kind
from bot.commands.bench.surroundings import Numbers, database_option, surroundings
from bot.commands.demo.stack import StackError
from bot.commands.terminal import Table, console, fail, progress_bar

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
@click.option(
    "--rules",
    default=1_000,
    show_default=True,
    type=click.IntRange(0, 20_000),
    help="现有规则不到这么多条时，用没人说的词补足",
)
@click.option("--workers", type=Numbers(1, 16), help="另外用真的 worker 进程各读一遍，例如 1,2,4")
@database_option
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_ingest(messages: int, rules: int, workers: tuple[int, ...] | None, database: Kind, as_json: bool) -> None:
    counts = workers or ()
    with progress_bar("测量", as_json) as progress, surroundings(database) as given:
        place = with_rules(given, rules)
        bar = progress.add_task("", total=3 * ingest.ROUNDS + len(counts))
        try:
            speed = ingest.measure(place, messages, lambda: progress.advance(bar))
            runs = measure_all(place, messages, counts, lambda: progress.advance(bar))
        except (StackError, StuckError) as problem:
            fail(f"worker 没有读完：{problem}")
    if as_json:
        click.echo(json.dumps({"database": database, "rules": rules, **_as_object(speed, runs)}))
        return
    _show(speed, database)
    if runs:
        _show_workers(runs)


def _as_object(speed: ingest.Speed, runs: list[WorkersRun]) -> dict[str, Any]:
    shares = {"opened_share": speed.opened_share, "whole_share": speed.whole_share}
    return {**asdict(speed), **shares, "workers": [{**asdict(run), "whole_share": run.whole_share} for run in runs]}


def _show(speed: ingest.Speed, database: Kind) -> None:
    table = Table("", "条/秒", "占单做 RSA", title=f"{speed.messages} 条消息，{database}", title_justify="left")
    table.add_row("单做 RSA", f"{speed.rsa_alone:,.0f}", "")
    table.add_row("解开、读懂", f"{speed.opened:,.0f}", f"{speed.opened_share:.0%}")
    table.add_row("从存档到入库（规则、阶段、任务都在内）", f"{speed.whole:,.0f}", f"{speed.whole_share:.0%}")
    console.print(table)
    spent = Table("", "微秒", title="一条消息用多少处理器时间（一个核）", title_justify="left")
    for stage in STAGES:
        spent.add_row(_STAGES[stage], f"{speed.costs.microseconds[stage]:,.0f}")
    console.print(spent)
    console.print(f"一批最多 {speed.costs.statements} 条数据库语句；内存最多 {speed.costs.peak_megabytes:,.0f} MB")


def _show_workers(runs: list[WorkersRun]) -> None:
    table = Table("worker", "条/秒", "单做 RSA", "占单做 RSA",
                  title="真的 worker 进程（同时送出由此而来的提醒）", title_justify="left")  # fmt: skip
    for run in runs:
        table.add_row(str(run.workers), f"{run.whole:,.0f}", f"{run.rsa_alone:,.0f}", f"{run.whole_share:.0%}")
    console.print(table)
