"""`flask bench callback`, `due` and `deliver`: three kinds of work beside the least that each of them could cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import click
from flask.cli import with_appcontext

from bot.commands.bench import callback, deliver, due
from bot.commands.bench.pace import Pace
from bot.commands.bench.scratch_databases import Kind
from bot.commands.bench.scratch_systems import Surroundings
from bot.commands.bench.surroundings import database_option, surroundings
from bot.commands.demo.stack import StackError
from bot.commands.terminal import Table, console, fail, progress_bar

Measure = Callable[[Surroundings, int, Callable[[], object]], dict[str, Pace]]


@dataclass(frozen=True)
class PaceBench:
    """One benchmark of this file. ways: what each way is called; bound: the one that the others are compared with."""

    title: str
    bound: str
    ways: Mapping[str, str]
    rounds: int
    measure: Measure


_CALLBACK = PaceBench(
    "应答回调",
    callback.BOUND,
    {"bare": "空的 Flask：收下就答", "unsealed": "只验签、解密、读懂", "answered": "真的应答：验签、解密、入库"},
    callback.ROUNDS,
    callback.measure,
)
_DUE = PaceBench(
    "到点的步骤",
    due.BOUND,
    {"claimed": "只取出、记下、排队", "decided": "真的处理：查、判断、写出提醒"},
    due.ROUNDS,
    due.measure,
)
_DELIVER = PaceBench(
    "送出",
    deliver.BOUND,
    {"called": "只调用企业微信（沙盒）", "delivered": "真的送出：取、调用、记下结果，经 RQ"},
    deliver.ROUNDS,
    deliver.measure,
)
_json_option = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")


@click.command("callback", help="应答回调有多快：与空的 Flask 相比。")
@click.option("--callbacks", "count", default=500, show_default=True, type=click.IntRange(1, 100_000))
@database_option
@_json_option
@with_appcontext
def bench_callback(count: int, database: Kind, as_json: bool) -> None:
    _run(_CALLBACK, count, database, as_json)


@click.command("due", help="到点的步骤处理得有多快：与只取出、排队相比。")
@click.option("--steps", "count", default=1_000, show_default=True, type=click.IntRange(1, 100_000))
@database_option
@_json_option
@with_appcontext
def bench_due(count: int, database: Kind, as_json: bool) -> None:
    _run(_DUE, count, database, as_json)


@click.command("deliver", help="送出有多快：与只调用企业微信（沙盒）相比。")
@click.option("--rows", "count", default=300, show_default=True, type=click.IntRange(1, 1_500))
@database_option
@_json_option
@with_appcontext
def bench_deliver(count: int, database: Kind, as_json: bool) -> None:
    _run(_DELIVER, count, database, as_json)


def _run(bench: PaceBench, count: int, database: Kind, as_json: bool) -> None:
    with progress_bar("测量", as_json) as progress, surroundings(database) as place:
        bar = progress.add_task("", total=len(bench.ways) * bench.rounds)
        try:
            paces = bench.measure(place, count, lambda: progress.advance(bar))
        except StackError as problem:
            fail(str(problem))
        except due.NoSopError:
            fail("config.toml 里没有 SOP，没有步骤可到点：请用自带的 config.toml 来量")
    if as_json:
        found = {"count": count, "database": database, "bound": bench.bound}
        click.echo(json.dumps({**found, "ways": {name: asdict(pace) for name, pace in paces.items()}}))
        return
    console.print(_table(bench, paces, f"{bench.title}：{count} 个，{database}"))


def _table(bench: PaceBench, paces: Mapping[str, Pace], title: str) -> Table:
    table = Table("", "个/秒", "占上限", "本进程处理器，微秒", title=title, title_justify="left")
    for name, pace in paces.items():
        share = pace.per_second / paces[bench.bound].per_second
        table.add_row(bench.ways[name], f"{pace.per_second:,.0f}", f"{share:.0%}", f"{pace.microseconds:,.0f}")
    return table
