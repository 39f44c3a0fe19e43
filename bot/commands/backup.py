"""`flask backup` and `flask restore`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from bot.commands.terminal import console, fail, migrated_system, progress_bar, system_at_hand
from bot.ops.backup import back_up
from bot.ops.restore import BadBackupError, read_manifest, restore
from bot.platform import clock
from bot.platform.database.store import get_status
from bot.system import System

_ALIVE = timedelta(minutes=1)


@click.command("backup", help="把数据库与会话文件备份成一个文件（运行中也可以做）。密钥默认不在里面，请另外保存。")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="连同数据密钥和消息私钥：谁拿到这个文件谁就能读，请锁好")
@with_appcontext
def backup_command(file: Path | None, with_keys: bool) -> None:
    system, now = migrated_system(), clock.now()
    path = file or system.environment.var / "backups" / f"tici-{now:%Y%m%dT%H%M%SZ}.zip"
    if path.exists():
        fail(f"{path} 已经存在，请换一个名字")
    path.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar("备份") as progress:
        bar = progress.add_task("", total=None)
        try:
            made = back_up(
                system, path, now, keys=with_keys, on_progress=lambda _name, rows: progress.advance(bar, rows)
            )
        except OSError as error:
            fail(f"写不了 {path}：{error.strerror}。没有留下半个文件")
    console.print(f"{made.path}：{made.rows} 行，{made.files} 个文件，{made.bytes / 1024**2:.1f} MB")
    if not with_keys:
        console.print("数据密钥（var/data.keys 或 TICI_DATA_KEYS）与消息私钥不在备份里：没有它们打不开，请另外保存")


@click.command("restore", help="从备份恢复（先停掉 worker、scheduler 与网页）。不会重发，抹去过的客户不会回来。")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="用备份替换数据库里现有的一切")
@click.option("--yes", is_flag=True, help="不再确认")
@with_appcontext
def restore_command(file: Path, replace: bool, yes: bool) -> None:
    system, now = system_at_hand(), clock.now()
    try:
        manifest = read_manifest(file)
        if _runs(system):
            fail("Tici 还在运行：请先停掉 worker、scheduler 与网页，再恢复")
        if replace and not yes:
            click.confirm(f"数据库现在的内容会被 {manifest['made_at']} 的备份替换，继续吗？", abort=True)
        total = sum(table["rows"] for table in manifest["tables"].values())
        with progress_bar("恢复") as progress:
            bar = progress.add_task("", total=total)
            found = restore(
                system, file, now, replace=replace, on_progress=lambda _name, rows: progress.advance(bar, rows)
            )
    except BadBackupError as error:
        fail(str(error))
    console.print(
        f"已恢复 {found.made_at} 的备份：{found.rows} 行，{found.files} 个文件；再次抹去 {found.erased} 位客户。\n"
        "启动 worker 与 scheduler 后，会从会话存档补上备份之后的消息（企业微信只保存几天）"
    )


def _runs(system: System) -> bool:
    """Whether a scheduler has been at work within the last minute."""
    try:
        with system.store.read() as session:
            status = get_status(session, "scheduler")
    except SQLAlchemyError:
        return False  # an empty database
    return status is not None and clock.now() - status.at < _ALIVE
