"""`flask bench`: what the parts cost, measured in one run so that the ratios carry over to other machines."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.table import Table

from bot import lag_bench, rules_bench
from bot.settings import ConfigError
from bot.stack import Stack, StackError
from bot.system import System
from bot.terminal import console, errors, progress_bar


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
    with progress_bar("测量", as_json) as progress:
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


@bench.command("lag", help="提醒有多及时：从消息进入存档到卡片出现在员工手机上（完整的进程、沙盒企业微信）。")
@click.option("--rate", default=50, show_default=True, type=click.IntRange(1, 1000), help="每秒多少条消息")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(1, 3600))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_lag(rate: int, seconds: int, workers: int, as_json: bool) -> None:
    system: System = current_app.extensions["tici"]
    with tempfile.TemporaryDirectory(prefix="tici-lag-") as folder:
        try:
            with Stack(Path(folder), system.environment.config.resolve(), workers=workers) as stack:
                with progress_bar("发送", as_json) as progress:
                    bar = progress.add_task("", total=rate * seconds)
                    lag = lag_bench.measure(
                        stack.system, stack.control, rate, seconds, lambda done: progress.update(bar, completed=done)
                    )
        except (StackError, ConfigError, lag_bench.BenchError) as error:
            errors.print(str(error), style="red", markup=False)
            raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps(asdict(lag), ensure_ascii=False))
    else:
        console.print(_lags(lag))
    raise SystemExit(1 if lag.missing or lag.twice else 0)


def _lags(lag: lag_bench.Lag) -> Table:
    title = f"每秒 {lag.reached_rate} 条，共 {lag.messages} 条；{lag.questions} 个问题，{lag.cards} 张卡片"
    table = Table("秒", "中位", "95%", "最久", title=title, title_justify="left")
    rows = (
        ("存档 → 手机", lag.to_card),
        (f"  存档 → 入库（通知至少间隔 {lag.notify_gap:g} 秒）", lag.to_store),
        ("  入库 → 手机", lag.to_leave),
    )
    for name, spread in rows:
        table.add_row(name, f"{spread.p50:.2f}", f"{spread.p95:.2f}", f"{spread.most:.2f}")
    return table
