"""`flask orders`: orders of a table, tried line by line and then entered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from sqlalchemy import true

from bot.agents.bulk_job import advance, ask_import, counts_of
from bot.commands.terminal import Table, console, errors, fail, migrated_system, progress_bar
from bot.customers.fields import FieldRefusedError
from bot.customers.imported_lines import MOST_BYTES, Line, read_file
from bot.customers.imported_orders import count_orders, plan_orders
from bot.customers.imported_people import ImportPlan
from bot.platform import clock
from bot.platform.models import BulkDeed
from bot.system import System
from sop.order_columns import propose_order_columns

ACTOR = "flask orders"
MOST_SHOWN = 50


@click.group("orders", help="订单：从 CSV 表导入。")
def orders() -> None: ...


@orders.command(
    "import", help="导入一张订单表 CSV 或 Excel（订单号、金额、下单时间，以及认客户的一列）；有问题的行跳过并列出。"
)
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--source", default="csv", show_default=True, help="来自哪个系统；同一系统里订单号相同的算同一笔")
@click.option("--start", is_flag=True, help="近 30 天的订单也移动阶段、开始和停止跟进")
@click.option("--dry-run", is_flag=True, help="只试一遍，不写")
@with_appcontext
def import_orders(path: Path, source: str, start: bool, dry_run: bool) -> None:
    system = migrated_system()
    with path.open("rb") as file:
        raw = file.read(MOST_BYTES + 1)  # one more says that it is too large
    try:
        headings, lines = read_file(raw)
        plan = _plan(system, headings, lines)
    except FieldRefusedError as refused:
        fail("\n".join(refused.problems))
    _show(plan)
    if dry_run or not plan.given:
        return
    deed_id = _begin(system, plan, {"file": path.name[-80:], "source": source[:40], "quiet": not start})
    _carry_out(system, deed_id, len(plan.given))


def _plan(system: System, headings: tuple[str, ...], lines: list[Line]) -> ImportPlan:
    settings = system.settings
    with system.store.read() as session:
        return plan_orders(session, (headings, lines), propose_order_columns(headings), (true(), settings.zone))


def _show(plan: ImportPlan) -> None:
    if plan.troubles:
        table = Table("行", "列", "问题")
        for trouble in plan.troubles[:MOST_SHOWN]:
            table.add_row(str(trouble.line), trouble.column, trouble.why)
        errors.print(table, markup=False)
        if len(plan.troubles) > MOST_SHOWN:
            errors.print(f"还有 {len(plan.troubles) - MOST_SHOWN} 处", style="red")
    console.print(f"{len(plan.given)} 位客户的 {count_orders(plan)} 笔订单可以导入", style="green")


def _begin(system: System, plan: ImportPlan, what: dict[str, Any]) -> int:
    with system.work() as work:
        deed = BulkDeed(
            kind="orders", actor=ACTOR, asker={"account_id": None, "role": "admin"},
            what=what, created_at=work.now, touched_at=work.now,
        )  # fmt: skip
        work.session.add(deed)
        work.session.flush()
        ask_import(work, deed, plan.given)
        return deed.id


def _carry_out(system: System, deed_id: int, customers: int) -> None:
    """Do the pieces here, unless a worker does: whoever holds the lease goes on."""
    with progress_bar("导入") as bar:
        task = bar.add_task("", total=customers)
        more = True
        while more:
            more = advance(system, clock.now())
            with system.store.read() as session:
                counts = counts_of(session, deed_id)
            bar.update(task, completed=customers - counts.get("waiting", 0))
    told = {"done": "写入", "skipped": "本来就是这样", "failed": "没有做成", "waiting": "由后台继续"}
    said = "，".join(f"{words} {counts[state]} 位" for state, words in told.items() if counts.get(state))
    console.print(f"{said}。一天内可以在「批量操作」里撤销。")
