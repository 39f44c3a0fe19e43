"""`flask keys rotate` and `flask keys data-line`: a new data key, and everything encrypted again with it."""

from __future__ import annotations

import time

import click
from flask.cli import with_appcontext

from bot.commands.terminal import console, fail, migrated_system, operator, progress_bar
from bot.intake.media.store import open_media_store
from bot.ops.key_rotation import count_stale, count_under_other_keys, rotate
from bot.platform import clock
from bot.platform.database.audit_log import record
from bot.platform.encryption import DataKeyError, new_line

SETTLE_SECONDS = 5.0  # by then every process has read the new key and encrypts with it
MOST_PASSES = 20
MOST_SHOWN = 20


@click.command(
    "rotate", help="换数据密钥：生成新的一把，把所有加密内容换成用它加密。可中断，重新运行接着做；系统照常工作。"
)
@click.option("--no-new", is_flag=True, help="不生成新密钥，只把内容都换成用最新的一把加密")
@with_appcontext
def rotate_keys(no_new: bool) -> None:
    system = migrated_system()
    store, keys = system.store, system.store.keys
    try:
        with store.read() as session:
            left = count_under_other_keys(session, keys.row_header)
        if left and not no_new and not rotate(store, lambda _: None).renewed:
            left = 0  # what is left does not open: it would be left for ever
        if left or no_new:
            console.print(f"接着换成密钥 {keys.current_id}：还有 {left} 行", highlight=False)
        else:
            console.print(f"新的数据密钥：{keys.add_key()}（已加进 {keys.path}，请备份）", highlight=False)
            store.verify(again=True)  # from now on the database knows the new key as well
        began = time.monotonic()
        with store.read() as session:
            total = count_stale(session, keys.row_header)
        with progress_bar("重新加密") as progress:
            bar = progress.add_task("", total=total)
            for _ in range(MOST_PASSES):
                made = rotate(store, lambda count: progress.advance(bar, count))
                if not made.renewed:
                    if time.monotonic() - began >= SETTLE_SECONDS:
                        break
                    time.sleep(0.5)
            else:
                fail("仍有旧密钥加密的内容：有进程还在用旧的密钥（环境变量没有更新？）。请重启所有进程再运行一次")
        _tell_damaged(made.damaged)
        media = open_media_store(system)
        old = [content for content in media.contents() if media.is_stale(content)]
        with progress_bar("会话文件") as progress:
            bar = progress.add_task("", total=len(old))
            for content in old:
                media.reseal(content)
                progress.advance(bar)
        with store.write() as session:
            record(session, operator(), "keys.rotate", f"key:{keys.current_id}", clock.now())
    except DataKeyError as error:
        fail(str(error))
    console.print(
        f"完成：{total} 行和 {len(old)} 个文件都已用 {keys.current_id} 加密。旧密钥请留着，恢复旧备份时要用",
        style="green",
        highlight=False,
    )


def _tell_damaged(places: list[str]) -> None:
    if places:
        shown = "、".join(places[:MOST_SHOWN]) + ("……" if len(places) > MOST_SHOWN else "")
        console.print(f"有 {len(places)} 个值已损坏，打不开，原样留着：{shown}", style="yellow", highlight=False)


@click.command("data-line", help="打印一把新的数据密钥（一行），供密钥放在环境变量里的人加在 TICI_DATA_KEYS 末尾。")
def data_line() -> None:
    click.echo(new_line())
