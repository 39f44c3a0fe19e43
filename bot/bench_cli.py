"""`flask bench`: what the parts cost, measured in one run so that the ratios carry over to other machines."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot import rules_bench

console = Console()
errors = Console(stderr=True)


@click.group("bench", help="性能：各部分的开销，同一次运行里互相比较。")
def bench() -> None: ...


@bench.command("rules", help="规则引擎：与「每条消息都用结巴分词」相比，与只跑自动机相比。")
@click.option("--dialogues", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--rules", "counts", multiple=True, type=click.IntRange(1, 20_000), default=(1_000, 10_000), show_default=True
)
@click.option(
    "--rate", "rates", multiple=True, type=click.FloatRange(0.001, 1), default=(0.05, 0.2), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
def bench_rules(dialogues: Path, counts: tuple[int, ...], rates: tuple[float, ...], as_json: bool) -> None:
    sayings = rules_bench.read_sayings(dialogues)
    columns = (TextColumn("测量"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json) as progress:
        bar = progress.add_task("", total=len(counts) * len(rates) * rules_bench.ROUNDS)
        sizes = [(count, rate) for count in counts for rate in rates]
        runs = [rules_bench.run(sayings, *size, lambda: progress.advance(bar)) for size in sizes]
    if as_json:
        click.echo(json.dumps(rules_bench.as_object(runs, sayings), ensure_ascii=False))
        return
    table = Table(
        "规则",
        "候选率",
        "条/秒",
        "× 逐条分词",
        "占纯扫描",
        "结果一致",
        title=f"{len(sayings)} 条消息",
        title_justify="left",
    )
    for one in runs:
        table.add_row(
            str(one.rules),
            f"{one.candidate_rate:.1%}",
            f"{one.messages_per_second:,.0f}",
            f"{one.times_always_jieba:.1f}",
            f"{one.share_of_bare_scan:.1%}",
            "是" if one.same_hits else "否",
        )
    console.print(table)
