"""`flask audit`: checks every invariant in a live database."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from bot.commands.terminal import Table, console, fail, migrated_system, progress_bar
from bot.commands.wecom import run_comparison
from bot.ops.consistency import Violation, as_json, audit, audit_archive, audit_sealed
from bot.ops.invariants import INVARIANTS
from bot.platform import clock
from bot.platform.config.parsing import ConfigError
from bot.platform.environment import SurroundingsError
from bot.system import System
from bot.wecom.errors import WeComError


@click.group("audit", help="审计：核对数据库里的每一条不变式；另有操作日志。", invoke_without_command=True)
@click.pass_context
def audit_group(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        context.invoke(audit_run)


@audit_group.command("run", help="核对消息、标签、流水、任务、待送出、游标与隔离区。有不对的以 1 退出。")
@click.option("--wecom", "with_wecom", is_flag=True, help="再与企业微信核对：存档有没有漏，手机上的标签是否一致")
@click.option("--sealed", is_flag=True, help="再打开每一个加密的值，找出损坏的（大库要一些时间）")
@click.option("--at-rest", is_flag=True, help="worker 与调度器没有在运行：不查有没有按时做完")
@click.option("--json", "json_only", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def audit_run(with_wecom: bool = False, sealed: bool = False, at_rest: bool = False, json_only: bool = False) -> None:
    system = migrated_system()
    looked_at = [invariant for invariant in INVARIANTS if not (at_rest and invariant.running)]
    with progress_bar("核对", json_only) as progress:
        bar = progress.add_task("", total=len(looked_at))
        found = audit(system.store, clock.now(), running=not at_rest, on_progress=lambda _: progress.advance(bar))
    if sealed:
        found += audit_sealed(system.store)
    if with_wecom:
        found += _with_wecom(system)
    if json_only:
        click.echo(as_json(found))
    else:
        _show(found, len(looked_at) + sealed)
    raise SystemExit(1 if found else 0)


def _with_wecom(system: System) -> list[Violation]:
    try:
        lost = audit_archive(system)
        drift = run_comparison(system, None, dry_run=True).drift
    except (WeComError, ConfigError, SurroundingsError) as error:
        fail(str(error))
    rows = [f"{row.customer or row.external_userid} {row.userid}：{row.what}" for row in drift]
    tags = Violation("wecom-tags", "手机上的客户与标签和看板一致", len(rows), rows[:5])
    return [finding for finding in (lost, tags) if finding.count]


def _show(found: list[Violation], looked_at: int) -> None:
    if not found:
        console.print(f"{looked_at} 条都成立", style="green")
        return
    table = Table("应当", "处", "例如", title=f"{looked_at} 条里有 {len(found)} 条不成立", title_justify="left")
    for finding in found:
        table.add_row(finding.says, str(finding.count), "\n".join(finding.examples).replace("[", r"\["))
    console.print(table)
