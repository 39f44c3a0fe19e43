"""`flask wecom`: imports from WeCom, and compares and repairs differences between the board and WeCom."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any, cast

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import select

from bot.commands.terminal import Table, fail, migrated_system, progress_bar
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.environment import SurroundingsError
from bot.platform.models import Outbox
from bot.sync.directory import compare_groups, compare_lost_groups, compare_staff
from bot.sync.drift import Reconciliation
from bot.sync.initial_import import import_all
from bot.sync.reconcile import AT_ONCE, agents_to_compare, compare_agents, portions_of, start_comparison
from bot.system import System
from bot.wecom.errors import WeComError
from bot.worker.handlers import deliver
from sop.tag_sync import Policy

KINDS = {
    "stage": "阶段不同",
    "stages": "两个阶段标签",
    "tags": "标签",
    "new": "新客户",
    "ended": "已不是客户",
    "library": "标签库",
    "staff": "员工与部门",
    "group": "客户群",
}
IMPORTED = {"departments": "部门", "agents": "员工", "tags": "标签", "customers": "客户关系", "groups": "客户群"}
SETTLE_SECONDS = 60.0
_REPAIRS = ("profile", "mark_tag", "library")


@click.group("wecom", help="企业微信：导入通讯录与客户，核对看板与手机上的标签。")
def wecom() -> None: ...


@wecom.command("reconcile", help="逐个核对所有员工的客户：找出看板与企业微信的差异，按策略修好，并列成表。")
@click.option(
    "--policy", type=click.Choice(("newest", "ours", "wecom")), help="以谁为准，默认按 config.toml 的 [sync]"
)
@click.option("--dry-run", is_flag=True, help="只看差异，不改任何东西")
@click.option("--json", "json_only", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def reconcile(policy: str | None, dry_run: bool, json_only: bool) -> None:
    system = migrated_system()
    began = time.monotonic()
    try:
        with progress_bar("{task.description}", json_only) as progress:
            run = run_comparison(system, cast("Policy | None", policy), dry_run=dry_run, progress=progress)
    except (WeComError, ConfigError, SurroundingsError) as error:
        fail(str(error))
    outcome = summary(system, run, time.monotonic() - began)
    if json_only:
        click.echo(json.dumps(outcome, ensure_ascii=False))
    else:
        _show(run, outcome)
    raise SystemExit(1 if outcome["failed"] else 0)


@wecom.command("import", help="把企业微信里的部门、员工、客户、标签和客户群导入进来；再次运行只补差异，不重复。")
@click.option("--full", is_flag=True, help="从头来过，不接着上次中断的地方")
@click.option("--json", "json_only", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def import_(full: bool, json_only: bool) -> None:
    system = migrated_system()
    began = time.monotonic()
    try:
        with progress_bar("{task.description}", json_only) as progress:
            bar = progress.add_task("导入员工的客户", total=None)
            found = import_all(
                system,
                clock.now(),
                full=full,
                show=lambda state: progress.update(bar, total=state.agents, completed=state.done),
            )
    except (WeComError, ConfigError, SurroundingsError) as error:
        fail(f"{error}\n已导入的都在；改好之后再运行一次，会接着导入")
    finally:
        system.call_counts.flush(clock.now(), at_once=True)
    counts = {
        kind: dict(zip(("new", "changed", "gone"), numbers, strict=True)) for kind, numbers in found.counts.items()
    }
    seconds = round(time.monotonic() - began, 2)
    if json_only:
        outcome = {"agents": found.agents, "follows": found.follows, "resumed": found.resumed, "seconds": seconds}
        click.echo(json.dumps({**outcome, "counts": counts}, ensure_ascii=False))
        return
    title = f"{found.agents} 位员工的 {found.follows} 位客户，{seconds} 秒{'（接着上次）' if found.resumed else ''}"
    table = Table("", "新增", "有变化", "不在了", title=title, title_justify="left")
    for kind, row in counts.items():
        table.add_row(IMPORTED[kind], *(str(number) for number in row.values()))
    Console().print(table)


def run_comparison(
    system: System, policy: Policy | None, *, dry_run: bool = False, progress: Progress | None = None
) -> Reconciliation:
    """Compare all agents' customers and, unless `dry_run`, carry out the repairs here and now."""
    progress = progress or Progress(disable=True)
    run = start_comparison(system, policy, clock.now(), dry_run=dry_run)
    agents = agents_to_compare(system)
    compare_staff(system, run)
    bar = progress.add_task("核对员工", total=len(agents))
    for portion in portions_of(agents, AT_ONCE):
        compare_agents(system, run, portion)
        compare_groups(system, run, portion)
        progress.update(bar, completed=run.agents)
    compare_lost_groups(system, run, agents)
    if not dry_run and run.rows:
        _carry_out(system, progress)
    return run


def _carry_out(system: System, progress: Progress) -> None:
    """Deliver the repairs and what follows from them; running workers may take some of them."""
    bar, ends, done = progress.add_task("修复", total=None), time.monotonic() + SETTLE_SECONDS, 0
    while time.monotonic() < ends:
        with system.store.read() as session:
            open_rows = select(Outbox.id, Outbox.not_before).where(
                Outbox.kind.in_(_REPAIRS), Outbox.state.in_(("waiting", "sending")), Outbox.attempts < 3
            )
            rows = session.execute(open_rows.order_by(Outbox.id)).all()
        if not rows:
            return
        progress.update(bar, total=done + len(rows))
        tried = [deliver(system, row_id) for row_id, not_before in rows if not_before <= clock.now()]
        done += sum(state is not None for state in tried)
        progress.update(bar, completed=done)
        if not any(tried):
            time.sleep(0.1)


def summary(system: System, run: Reconciliation, seconds: float) -> dict[str, Any]:
    """The run as one JSON object: counts, every difference, and how the repairs ended."""
    with system.store.read() as session:
        states = session.scalars(select(Outbox.state).where(Outbox.id.in_(run.rows))).all()
    kinds = {kind: sum(drift.kind == kind for drift in run.drift) for kind in KINDS}
    return {
        "policy": run.policy,
        "dry_run": run.dry_run,
        "agents": run.agents,
        "follows": run.follows,
        "differences": len(run.drift),
        "by_kind": {kind: count for kind, count in kinds.items() if count},
        "repairs": len(run.rows),
        "failed": sum(state in ("failed", "unknown") for state in states),
        "open": sum(state in ("waiting", "sending") for state in states),
        "seconds": round(seconds, 2),
        "drift": [asdict(drift) for drift in run.drift],
    }


def _show(run: Reconciliation, outcome: dict[str, Any]) -> None:
    console = Console()
    title = f"核对了 {run.agents} 位员工的 {run.follows} 位客户，{len(run.drift)} 处不同（{run.policy}）"
    if not run.drift:
        console.print(f"{title}：看板与企业微信一致", style="green", markup=False)
        return
    table = Table("类别", "客户", "员工", "看板", "手机", "情况", "处理", title=title, title_justify="left")
    for drift in run.drift:
        customer = drift.customer or drift.external_userid
        cells = (KINDS[drift.kind], customer, drift.userid, drift.ours, drift.theirs, drift.what, drift.repair)
        table.add_row(*(cell.replace("[", r"\[") for cell in cells))
    console.print(table)
    if run.dry_run:
        console.print("这是预演，什么也没有改。去掉 --dry-run 即修复。", style="dim")
    elif outcome["failed"] or outcome["open"]:
        console.print(
            f"{outcome['failed']} 处没有修好，{outcome['open']} 处还在进行；flask status 可看原因", style="yellow"
        )
