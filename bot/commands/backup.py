"""`flask backup`, `flask backup verify` and `flask restore`."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from bot.commands.terminal import console, fail, migrated_system, progress_bar, system_at_hand
from bot.ops.backup import back_up, damage_of, keys_beside
from bot.ops.backup_file import BadBackupError
from bot.ops.restore import restore, verify_backup
from bot.ops.upgrade import is_running, keep_newest
from bot.platform import clock


class _BackupGroup(click.Group):
    """`flask backup FILE` makes one; only what is called like a subcommand is taken for it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in known else ["make", *args])


@click.group(
    "backup", cls=_BackupGroup, help="把数据库与会话文件备份成一个加密的文件；verify 核对一份备份。密钥请另外保存。"
)
def backup_group() -> None: ...


@backup_group.command("make", help="备份成一个加密、可核对的文件（运行中也可以做）；make 可以省略。")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-keys", is_flag=True, help="另写一个 .keys.zip，装数据密钥和消息私钥：两个文件不要放在一处")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="放进这个文件夹，按时间起名")
@click.option("--keep", type=click.IntRange(1), help="那个文件夹里只留最近这么多份")
@with_appcontext
def make_backup(file: Path | None, with_keys: bool, folder: Path | None, keep: int | None) -> None:
    system, now = migrated_system(), clock.now()
    folder = folder or system.environment.var / "backups"
    path = file or folder / f"tici-{now:%Y%m%dT%H%M%SZ}.zip"
    if path.exists():
        fail(f"{path} 已经存在，请换一个名字")
    damage = damage_of(system)
    if damage is not None:
        fail(f"数据库文件已损坏（{damage}），没有备份。请从最近一份好的备份恢复：flask restore")
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
    if with_keys:
        console.print(f"密钥在 {keys_beside(path)}：谁有这两个文件谁就能读，请分开保存", style="yellow")
    else:
        console.print("数据密钥（var/data.keys 或 TICI_DATA_KEYS）与消息私钥不在备份里：没有它们打不开，请另外保存")
    if keep is not None and (gone := keep_newest(folder, keep)):
        console.print(f"删掉了 {len(gone)} 份更早的备份，留最近 {keep} 份")


@backup_group.command("verify", help="核对一份备份：有没有被改动、缺损，密钥在不在。不动数据库，有问题以 1 退出。")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--old-format", is_flag=True, help="旧格式的备份：没有认证，只能核对有没有缺损")
@with_appcontext
def verify_command(file: Path, old_format: bool) -> None:
    try:
        found = verify_backup(file, system_at_hand().data_keys, old_format=old_format)
    except BadBackupError as error:
        fail(str(error))
    console.print(f"{file} 完好：{found.made_at}，{found.rows} 行，{found.files} 个文件", style="green")


@click.command("restore", help="从备份恢复（先停掉 worker、scheduler 与网页）。不会重发，抹去过的客户不会回来。")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="用备份替换数据库里现有的一切")
@click.option("--old-format", is_flag=True, help="恢复旧格式的备份：没有认证，只在它一直在自己手里时用")
@click.option("--yes", is_flag=True, help="不再确认")
@with_appcontext
def restore_command(file: Path, replace: bool, old_format: bool, yes: bool) -> None:
    system, now = system_at_hand(), clock.now()
    try:
        content = verify_backup(file, system.data_keys, old_format=old_format)
        if is_running(system, now):
            fail("Tici 还在运行：请先停掉 worker、scheduler 与网页，再恢复")
        if replace and not yes:
            click.confirm(f"数据库现在的内容会被 {content.made_at} 的备份替换，继续吗？", abort=True)
        if old_format:
            console.print("旧格式没有认证：恢复后请核对管理员（flask admin list）与日志（flask audit log --verify）")
        with progress_bar("恢复") as progress:
            bar = progress.add_task("", total=content.rows)
            found = restore(
                system, file, now, replace=replace, old_format=old_format,
                on_progress=lambda _name, rows: progress.advance(bar, rows),
            )  # fmt: skip
    except BadBackupError as error:
        fail(str(error))
    console.print(
        f"已恢复 {found.made_at} 的备份：{found.rows} 行，{found.files} 个文件；再次抹去 {found.erased} 位客户。\n"
        "启动 worker 与 scheduler 后，会从会话存档补上备份之后的消息（企业微信只保存几天）"
    )
