"""`flask bench growth`: what a further message costs, the more is stored and the more rules there are."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click
from flask.cli import with_appcontext

from bot.commands.bench.growth import GrowthPoint, measure_growth
from bot.commands.bench.scratch_databases import Kind
from bot.commands.bench.surroundings import Numbers, database_option, surroundings
from bot.commands.terminal import Table, console, progress_bar

RULES = 1_000  # while the number of messages grows


@click.command("growth", help="已存的消息、规则越来越多时，再来一条消息要多少处理器时间。")
@click.option("--stored", type=Numbers(0, 20_000_000), default="0,10000,100000", show_default=True)
@click.option("--rules", type=Numbers(0, 20_000), default="100,1000,10000", show_default=True)
@database_option
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_growth(stored: tuple[int, ...], rules: tuple[int, ...], database: Kind, as_json: bool) -> None:
    sizes = [*((messages, RULES) for messages in stored), *((0, count) for count in rules if count != RULES)]
    with progress_bar("测量", as_json) as progress, surroundings(database) as place:
        bar = progress.add_task("", total=len(sizes))
        points = measure_growth(place, sizes, lambda: progress.advance(bar))
    if as_json:
        click.echo(json.dumps({"database": database, "points": [_as_object(point) for point in points]}))
        return
    table = Table("已存消息", "规则", "RSA，微秒", "其余，微秒", "语句（一批）", "每条占磁盘，字节",
                  title=f"再来一条消息（{database}）", title_justify="left")  # fmt: skip
    for point in points:
        costs = point.costs
        table.add_row(f"{point.stored:,}", f"{point.rules:,}", f"{costs.microseconds['rsa']:,.0f}",
                      f"{point.beside_rsa:,.0f}", str(costs.statements), f"{point.bytes_stored:,}")  # fmt: skip
    console.print(table)


def _as_object(point: GrowthPoint) -> dict[str, Any]:
    return {**asdict(point), "beside_rsa": round(point.beside_rsa, 1)}
