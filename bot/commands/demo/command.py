"""`flask demo` and `flask replay`."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path

import click
from flask.cli import with_appcontext

from bot.commands.demo.chapters import own_config
from bot.commands.demo.replay import ReplayError, as_json, read_dialogues, replay
from bot.commands.demo.stack import Stack, StackError
from bot.commands.demo.story import tell_story
from bot.commands.terminal import Table, console, fail, progress_bar, system_at_hand
from bot.platform.config.settings import ConfigError
from bot.platform.environment import ROOT, SurroundingsError


@click.command("demo", help="启动完整演示：沙盒企业微信、网页、worker 与调度器。Ctrl-C 全部结束，再次启动接着上次。")
@click.option("--port", default=8000, show_default=True, help="网页端口（被占用时自动换）")
@click.option("--sandbox-port", default=8100, show_default=True, help="沙盒端口（被占用时自动换）")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="状态目录，默认 var/demo")
@click.option("--story", is_flag=True, help="自动演完整个故事：每一步都在沙盒或数据库里核对，缺一步即以 1 退出")
@with_appcontext
def demo_command(port: int, sandbox_port: int, folder: Path | None, story: bool) -> None:
    config = system_at_hand().environment.config.resolve()
    _end_on_signals()
    try:
        if story:
            with tempfile.TemporaryDirectory(prefix="tici-story-") as fresh:
                with Stack(Path(fresh), own_config(config, Path(fresh))) as stack:
                    raise SystemExit(0 if tell_story(stack, console) else 1)
        with Stack((folder or ROOT / "var" / "demo").resolve(), config, port, sandbox_port) as stack:
            _show_addresses(stack)
            _watch(stack)
    except KeyboardInterrupt:
        fail("还没有启动完就结束了，各进程已停止")
    except (StackError, ConfigError, SurroundingsError) as error:
        fail(str(error))


def _show_addresses(stack: Stack) -> None:
    """Addresses are printed whole whatever the width of the terminal: they are there to be clicked and copied."""
    rows = (
        ("从这里开始", f"{stack.sandbox_url}/", "客户手机、员工手机、看板，三栏同屏"),
        ("看板", stack.board, "以管理员身份打开所有页面，30 天内有效"),
        ("状态与日志", str(stack.folder), "删掉这个目录即重新开始"),
    )
    console.print("提词 Tici 演示已启动", style="bold green")
    for name, address, note in rows:
        console.print(f"\n  [bold]{name}[/]  [dim]{note}[/]", highlight=False)
        click.echo(f"  {address}")
    console.print("\n试试：在客户手机里说「你们的课多少钱?」。按 Ctrl-C 结束。", style="dim")


def _end_on_signals() -> None:
    def _end(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have started us with SIGINT ignored
        signal.signal(number, _end)


def _watch(stack: Stack) -> None:
    """Until Ctrl-C or SIGTERM; a child that dies is started again."""

    try:
        while True:
            time.sleep(1)
            for name in stack.mend():
                console.print(f"{name} 意外退出，已重新启动（日志在 {stack.folder / name}.log）", style="yellow")
    except KeyboardInterrupt:
        console.print("\n正在结束各进程……状态已保存，下次启动接着来。", style="dim")


@click.command("replay", help="把一份对话记录（JSON Lines）完整走一遍：加密存档、回调、打标签、移动、计划任务。")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="状态目录，默认 var/replay")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--json", "json_only", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def replay_command(path: Path, folder: Path | None, workers: int, json_only: bool) -> None:
    config = system_at_hand().environment.config.resolve()
    if not path.is_file():
        fail(f"没有这个文件：{path}")
    try:
        dialogues = read_dialogues(path)
        with Stack((folder or ROOT / "var" / "replay").resolve(), config, workers=workers) as stack:
            with progress_bar("入库", json_only) as progress:
                bar = progress.add_task("", total=None)
                outcome = replay(
                    stack.system,
                    stack.control,
                    dialogues,
                    lambda done, total: progress.update(bar, completed=done, total=total),
                )
    except (ReplayError, StackError, ConfigError, SurroundingsError) as error:
        fail(str(error))
    if json_only:
        click.echo(as_json(outcome))
    else:
        table = Table("数目", "", title="回放结果", title_justify="left")
        for name, value in vars(outcome).items():
            table.add_row(name, str(value))
        console.print(table)
    if outcome.lost or outcome.doubled or outcome.out_of_order:
        raise SystemExit(1)
