"""`flask privacy …`, `flask customer export` and `erase`, `flask audit log`: what customers may ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from rich.markup import escape
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.commands.audit import audit_group
from bot.commands.terminal import Table, console, fail, migrated_system, operator, progress_bar
from bot.ops.log_alarm import log_fault
from bot.platform import clock
from bot.platform.database.audit_digest import NoDigestError, digest_fault
from bot.platform.database.audit_heads import heads_of
from bot.platform.database.audit_log import newest_head, record
from bot.platform.database.reading_log import viewed
from bot.platform.models import AuditEntry, Erasure
from bot.platform.models.sealed import damage_tolerated
from bot.privacy.erasure import NobodyToEraseError, erase
from bot.privacy.export import NobodyToExportError, as_json, export, messages_csv
from bot.privacy.retention import KINDS, count_old, purge
from bot.system import System
from taggers.translatable import Translatable


@click.group("privacy", help="隐私：清理过期数据。")
def privacy() -> None: ...


@privacy.command("purge", help="按 config.toml 的 [privacy.retention] 清理过期数据（每天夜里也会自动做）。")
@click.option("--dry-run", is_flag=True, help="只数一数会清掉多少，什么都不动")
@with_appcontext
def purge_now(dry_run: bool) -> None:
    system = migrated_system()
    settings, now = system.settings, clock.now()
    with system.store.read() as session:
        old = count_old(session, settings, now)
    if not dry_run:
        with progress_bar("清理") as progress:
            bar = progress.add_task("", total=sum(old.values()))
            old = purge(system, now, lambda _, count: progress.advance(bar, count))
        with system.store.write() as session:
            record(session, operator(), "privacy.purge", "database", now, purged=old)
    table = Table("种类", "保留", "会清掉" if dry_run else "清掉", title="保留期限", title_justify="left")
    for name in dict.fromkeys(kind.name for kind in KINDS):
        age = getattr(settings.tables.privacy.retention, name)
        table.add_row(name, f"{age.days} 天" if age else "一直", str(old.get(name, 0)))
    console.print(table)


@privacy.command("erasures", help="抹去客户的请求：完成了没有、试过几次、删了多少（回执）。")
@click.option("--most", default=20, show_default=True, type=click.IntRange(1, 1000))
@with_appcontext
def show_erasures(most: int) -> None:
    system = migrated_system()
    table = Table("编号", "提出", "谁提出", "完成", "试过", "回执或原因")
    with system.store.read() as session, damage_tolerated():
        for row in session.scalars(select(Erasure).order_by(Erasure.id.desc()).limit(most)):
            asked, done = (_minute(at, system) for at in (row.asked_at, row.done_at))
            told = row.error or "、".join(f"{name} {count}" for name, count in row.receipt.get("rows", {}).items())
            table.add_row(row.stone[:16], asked, escape(row.actor), done or "还没有", str(row.attempts), escape(told))
    console.print(table)


@click.command("export", help="导出一位客户的全部数据（JSON；--to 以 .csv 结尾时只导出对话）。")
@click.argument("external_userid")
@click.option(
    "--to", "path", type=click.Path(path_type=Path, dir_okay=False), default=None, help="写到文件，仅本人可读"
)
@with_appcontext
def export_customer(external_userid: str, path: Path | None) -> None:
    system, now = migrated_system(), clock.now()
    try:
        with system.store.read() as session, damage_tolerated():
            exported = export(session, external_userid, now)
    except NobodyToExportError as error:
        fail(str(error))
    if path is None:
        _note_export(system, exported, now)
        click.echo(as_json(exported).decode())
        return
    content = messages_csv(exported, system.settings.zone).encode() if path.suffix == ".csv" else as_json(exported)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        _note_export(system, exported, now)  # before anything is written, but only where it can be
        file.write(content)
    rows = sum(len(rows) for rows in exported["tables"].values())
    console.print(f"已写好 {path}：{rows} 行", style="green", highlight=False)


def _note_export(system: System, exported: Mapping[str, Any], now: datetime) -> None:
    customer_id = exported["tables"]["customer"][0]["id"]
    with system.store.write() as session:
        viewed(session, operator(), customer_id, "export", now)
        record(session, operator(), "customer.export", f"customer:{customer_id}", now)


@click.command(
    "erase", help="彻底删除一位客户：消息、标签、凭据、任务、文件、检索，以及企业微信里的备注与标签。不可恢复。"
)
@click.argument("external_userid")
@click.option("--yes", is_flag=True, help="不再确认")
@with_appcontext
def erase_customer(external_userid: str, yes: bool) -> None:
    system = migrated_system()
    if not yes:
        click.confirm(
            f"删除 {external_userid} 的全部数据？不可恢复；同一个人重新加好友之前，不会再记录他", abort=True
        )
    try:
        with progress_bar("查找") as progress:
            bar = progress.add_task("", total=None)
            done = erase(system, external_userid, operator(), clock.now(), lambda count: progress.advance(bar, count))
    except NobodyToEraseError as error:
        fail(str(error))
    except (SQLAlchemyError, OSError) as error:
        fail(f"还没有删完（{type(error).__name__}）。请求已记下，worker 会接着做；进度见 flask privacy erasures")
    table = Table("表", "删去的行", title=f"已删除；文件 {done.files} 个", title_justify="left")
    for name, count in sorted(done.rows.items()):
        table.add_row(name, str(count))
    console.print(table)
    console.print(f"还要请企业微信清掉 {len(done.outbox_ids)} 位员工处的备注与标签，worker 会做")


@audit_group.command("log", help="操作日志：最近谁做了什么；--verify 核对整条散列链与查阅记录，有改动以 1 退出。")
@click.option("--verify", is_flag=True, help="核对有没有被改、被删、被清空、被换成旧的")
@click.option(
    "--accept", is_flag=True, help="日志短了而您知道原因（如手工放回了旧数据库）：从现有的末行接着记，会写进日志"
)
@click.option("--digest", "digests", multiple=True, help="连同核对一行保存过的摘要（可写多次；- 表示从标准输入读）")
@click.option("--most", default=20, show_default=True, type=click.IntRange(1, 1000))
@with_appcontext
def audit_log(verify: bool, accept: bool, digests: tuple[str, ...], most: int) -> None:
    system = migrated_system()
    if accept:
        _accept_log(system)
    if verify or accept or digests:
        keep = system.settings.tables.privacy.retention.views
        with system.store.read() as session:
            fault = log_fault(session, clock.now() - keep if keep else None) or _digest_fault(session, digests)
        if fault is not None:
            fail(fault)
        console.print("操作日志与查阅记录都没有被改动过", style="green")
        return
    table = Table("时间", "谁", "做了什么", "对象")
    with system.store.read() as session:
        for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(most)):
            at = row.at.astimezone(system.settings.zone)
            table.add_row(f"{at:%Y-%m-%d %H:%M:%S}", escape(row.actor), escape(row.action), escape(row.subject))
    console.print(table)


def _digest_fault(session: Session, digests: tuple[str, ...]) -> Translatable | None:
    lines: list[str] = []
    for one in digests:
        lines += sys.stdin.readlines() if one == "-" else [one]
    try:
        faults = [digest_fault(session, line) for line in lines if line.strip()]
    except NoDigestError as error:
        fail(str(error))
    return next((fault for fault in faults if fault is not None), None)


def _minute(at: datetime | None, system: System) -> str:
    return f"{at.astimezone(system.settings.zone):%Y-%m-%d %H:%M}" if at is not None else ""


def _accept_log(system: System) -> None:
    """Go on from the newest row there is. It is written into the log first, so that nobody does it unseen."""
    heads = heads_of(system.store.engine.dialect)
    with system.store.write() as session:
        record(session, operator(), "log.accept", "log", clock.now())
        head = newest_head(session)
    if heads is not None:
        heads.note_restored(head)
