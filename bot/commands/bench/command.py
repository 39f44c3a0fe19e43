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

from bot.commands.bench import clock, lag, pages, rules
from bot.commands.demo.stack import Stack, StackError
from bot.commands.terminal import Table, console, errors, fail, migrated_system, progress_bar
from bot.platform.config.parsing import ConfigError
from bot.system import System


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
        sayings = rules.read_sayings(dialogues)
    except ValueError as problem:
        fail(str(problem))
    with progress_bar("测量", as_json) as progress:
        bar = progress.add_task("", total=len(counts) * len(rates) * rules.ROUNDS)
        sizes = [(count, rate) for count in counts for rate in rates]
        runs = [rules.run(sayings, *size, lambda: progress.advance(bar)) for size in sizes]
    if as_json:
        click.echo(json.dumps(rules.as_object(runs, sayings), ensure_ascii=False))
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


@bench.command("clock", help="「等回复」的钟：每条消息多花多少，同一次运行里与规则引擎相比。")
@click.option("--dialogues", required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_clock(dialogues: Path, as_json: bool) -> None:
    system: System = current_app.extensions["tici"]
    try:
        cost = clock.measure(system.settings, clock.read_talk(dialogues))
    except (ConfigError, ValueError) as problem:
        fail(str(problem))
    if as_json:
        click.echo(json.dumps(asdict(cost) | {"holds": cost.holds}, ensure_ascii=False))
    else:
        console.print(
            f"{cost.messages} 条消息，{cost.asked} 条要回答：钟 {cost.clock} 微秒/条（上限 {clock.MOST_US:g}），"
            f"规则 {cost.rules} 微秒/条",
            style=None if cost.holds else "red",
        )
    raise SystemExit(0 if cost.holds else 1)


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
                    measured = lag.measure(
                        stack.system, stack.control, rate, seconds, lambda done: progress.update(bar, completed=done)
                    )
        except (StackError, ConfigError, lag.BenchError) as error:
            errors.print(str(error), style="red", markup=False)
            raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps(asdict(measured), ensure_ascii=False))
    else:
        console.print(_lags(measured))
    raise SystemExit(1 if measured.missing or measured.twice else 0)


def _lags(measured: lag.Lag) -> Table:
    title = (
        f"每秒 {measured.reached_rate} 条，共 {measured.messages} 条；"
        f"{measured.questions} 个问题，{measured.cards} 张卡片"
    )
    table = Table("秒", "中位", "95%", "最久", title=title, title_justify="left")
    rows = (
        ("存档 → 手机", measured.to_card),
        (f"  存档 → 入库（通知至少间隔 {measured.notify_gap:g} 秒）", measured.to_store),
        ("  入库 → 手机", measured.to_leave),
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
        bar = progress.add_task("", total=pages.count())
        try:
            with ThreadPoolExecutor(1) as apart:  # requests made inside a command's context would share one visitor
                weights = apart.submit(pages.run, app, rounds, lambda: progress.advance(bar)).result()
        except pages.NotSeededError:
            fail("这里量的是造出来的客户：请在一个空库上先运行 flask seed（TICI_VAR 指到别处即可），再量")
    if as_json:
        click.echo(json.dumps(asdict(weights) | {"holds": weights.holds}, ensure_ascii=False))
    else:
        console.print(_weights(weights))
    raise SystemExit(0 if weights.holds else 1)


def _weights(weights: pages.PageMeasurements) -> Table:
    size = f"{weights.database}，{weights.customers} 位客户，{weights.messages} 条消息"
    first = f"第一次打开看板 {weights.first_board / 1024:.0f} KB（上限 {pages.MOST_BYTES // 1024}）"
    behind = "，".join(f"{name} {seconds} 秒" for name, seconds in weights.computing.items())
    table = Table("毫秒", "中位", f"95%（上限 {pages.MOST_MS:g}）", "最久", "本进程 CPU 95%",
                  title=f"{size}；{first}", caption=f"报表在页面之后计算：{behind}",
                  title_justify="left")  # fmt: skip
    for one in weights.timings:
        style = None if one.p95 <= pages.MOST_MS else "red"
        table.add_row(one.page, *(f"{value:.0f}" for value in (one.p50, one.p95, one.most, one.cpu_p95)), style=style)
    return table
