"""`flask bench models`: a night of models, one customer, counting, a list page, an import, and what each may cost."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from bot.commands.bench import models
from bot.commands.bench.scratch_databases import Kind
from bot.commands.bench.surroundings import database_option, surroundings
from bot.commands.terminal import Table, console, progress_bar


@click.command(
    "models",
    help="客户模型：全部客户算一夜、算一位客户、按条件数人、列表一页、导入 5 万行各要多久（另建一个库来量）。",
)
@click.option("--customers", default=100_000, show_default=True, type=click.IntRange(10, 1_000_000))
@click.option("--entries", default=2_000_000, show_default=True, type=click.IntRange(10, 20_000_000))
@database_option
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def bench_models(customers: int, entries: int, database: Kind, as_json: bool) -> None:
    with progress_bar("造客户", as_json) as progress, surroundings(database) as place:
        bar = progress.add_task("", total=customers)
        costs = models.measure(place, customers, max(entries, customers), lambda n: progress.advance(bar, n))
    if as_json:
        click.echo(json.dumps(asdict(costs) | {"database": database, "holds": costs.holds}, ensure_ascii=False))
    else:
        table = Table("量的是", "用了", "上限", title=f"{database}，{customers:,} 位客户，{entries:,} 笔分数",
                      title_justify="left")  # fmt: skip
        night = costs.ledgers + costs.models
        table.add_row("一夜：全部分数和模型，秒", f"{night:.1f}", f"{models.MOST_NIGHT:g}")
        table.add_row("一位客户，毫秒（最慢的）", f"{costs.one:.1f}", f"{models.MOST_ONE:g}")
        table.add_row("按条件数人，毫秒（最慢的）", f"{costs.count:.1f}", f"{models.MOST_COUNT:g}")
        table.add_row("列表一页，所有的列，毫秒（最慢的）", f"{costs.page:.1f}", f"{models.MOST_PAGE:g}")
        table.add_row("导入 5 万行，秒", f"{costs.imported:.1f}", f"{models.MOST_IMPORT:g}")
        console.print(table)
    raise SystemExit(0 if costs.holds else 1)
