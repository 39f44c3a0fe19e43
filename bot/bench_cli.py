"""`flask bench`: what the parts cost, measured in one run so that the ratios carry over to other machines."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from rich.table import Table

from bot import lag_bench, page_bench, rules_bench
from bot.settings import ConfigError
from bot.stack import Stack, StackError
from bot.system import System
from bot.terminal import console, errors, fail, migrated_system, progress_bar


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
    try:
        sayings = rules_bench.read_sayings(dialogues)
    except ValueError as problem:
        fail(str(problem))
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


@bench.command("pages", help="每个页面在服务器上要多久，第一次打开看板要多少字节（在 flask seed 造的库上量）。")
@click.option("--rounds", default=40, show_default=True, type=click.IntRange(5, 1000), help="每页打开多少次")
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_pages(rounds: int, as_json: bool) -> None:
    migrated_system()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    with progress_bar("测量", as_json) as progress:
        bar = progress.add_task("", total=page_bench.count())
        try:
            with ThreadPoolExecutor(1) as apart:  # requests made inside a command's context would share one visitor
                weights = apart.submit(page_bench.run, app, rounds, lambda: progress.advance(bar)).result()
        except page_bench.NotSeeded:
            fail("这里量的是造出来的客户：请在一个空库上先运行 flask seed（TICI_VAR 指到别处即可），再量")
    if as_json:
        click.echo(json.dumps(asdict(weights) | {"holds": weights.holds}, ensure_ascii=False))
    else:
        console.print(_weights(weights))
    raise SystemExit(0 if weights.holds else 1)


def _weights(weights: page_bench.Weights) -> Table:
    size = f"{weights.database}，{weights.customers} 位客户，{weights.messages} 条消息"
    first = f"第一次打开看板 {weights.first_board / 1024:.0f} KB（上限 {page_bench.MOST_BYTES // 1024}）"
    behind = "，".join(f"{name} {seconds} 秒" for name, seconds in weights.computing.items())
    table = Table("毫秒", "中位", f"95%（上限 {page_bench.MOST_MS:g}）", "最久", "本进程 CPU 95%",
                  title=f"{size}；{first}", caption=f"报表在页面之后计算：{behind}",
                  title_justify="left")  # fmt: skip
    for one in weights.timings:
        style = None if one.p95 <= page_bench.MOST_MS else "red"
        table.add_row(one.page, *(f"{value:.0f}" for value in (one.p50, one.p95, one.most, one.cpu_p95)), style=style)
    return table
