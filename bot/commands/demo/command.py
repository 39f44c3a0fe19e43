"""`flask demo` and `flask replay`."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import tempfile
import time
from datetime import datetime
from pathlib import Path

import click
from flask.cli import with_appcontext

from bot.commands.demo.chapters import own_config
from bot.commands.demo.record import copy_of_playbook, record
from bot.commands.demo.recording import COMPANIES, RecordingError
from bot.commands.demo.replay import ReplayError, as_json, read_dialogues, replay
from bot.commands.demo.scenes import SceneError
from bot.commands.demo.stack import Stack, StackError
from bot.commands.demo.story import tell_story
from bot.commands.terminal import Table, console, fail, progress_bar, system_at_hand
from bot.platform.config.parsing import ConfigError
from bot.platform.environment import ROOT, SurroundingsError


@click.command("demo", help="启动完整演示：沙盒企业微信、网页、worker 与调度器。Ctrl-C 全部结束，再次启动接着上次。")
@click.option("--port", default=8000, show_default=True, help="网页端口（被占用时自动换）")
@click.option("--sandbox-port", default=8100, show_default=True, help="沙盒端口（被占用时自动换）")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="状态目录，默认 var/demo")
@click.option("--story", is_flag=True, help="自动演完整个故事：每一步都在沙盒或数据库里核对，缺一步即以 1 退出")
@click.option("--playbook", type=click.Choice(COMPANIES), default=COMPANIES[0], help="哪个行业的演示公司")
@click.option("--empty", is_flag=True, help="不放演示公司，从空的看板开始")
@click.option("--record", "recorded", is_flag=True, help="改过对话或模板之后：把演示公司重新录一遍（几分钟），不启动")
@with_appcontext
def demo_command(
    port: int, sandbox_port: int, folder: Path | None, story: bool, playbook: str, empty: bool, recorded: bool
) -> None:
    config = system_at_hand().environment.config.resolve()
    _end_on_signals()
    try:
        if recorded:
            return _record(playbook)
        if story:
            with tempfile.TemporaryDirectory(prefix="tici-story-") as fresh:
                with Stack(Path(fresh), own_config(config, Path(fresh))) as stack:
                    raise SystemExit(0 if tell_story(stack, console) else 1)
        folder = (folder or _home_of(playbook)).resolve()
        if playbook != COMPANIES[0]:
            config = copy_of_playbook(playbook, folder)
        started = Stack(folder, config, port, sandbox_port, playbook="" if empty else playbook, tell=_Told())
        with started as stack:
            _show_addresses(stack)
            _watch(stack)
    except KeyboardInterrupt:
        fail("还没有启动完就结束了，各进程已停止")
    except (StackError, SceneError, RecordingError, ConfigError, SurroundingsError) as error:
        fail(str(error))


def _home_of(playbook: str) -> Path:
    """Where a demo's state lies: each industry's by itself."""
    return ROOT / "var" / ("demo" if playbook == COMPANIES[0] else f"demo-{playbook}")


def _record(playbook: str) -> None:
    with progress_bar("排练") as bar:
        task = bar.add_task("", total=None)
        path = record(playbook, lambda moment: bar.update(task, completed=moment.timetuple().tm_yday))
    console.print(f"已录好：{path}（{path.stat().st_size // 1024} KB）", highlight=False)


class _Told:
    """Shows each part of the start as it begins, and how many seconds the one before took."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self, words: str) -> None:
        console.print(f"[dim]{time.monotonic() - self.begun:5.1f} 秒[/]  {words}……", highlight=False)


def _show_addresses(stack: Stack) -> None:
    """Addresses are printed whole whatever the width of the terminal: they are there to be clicked and copied."""
    rows = (
        ("从这里开始", f"{stack.sandbox_url}/", "客户手机、员工手机、看板，三栏同屏"),
        ("看板", stack.board, "以管理员身份打开所有页面，30 天内有效"),
        ("状态与日志", str(stack.folder), "删掉这个目录即重新开始"),
    )
    console.print("\n提词 Tici 演示已启动", style="bold green")
    if stack.company is not None:
        begun = datetime.fromisoformat(stack.company.present)
        console.print(
            f"一家演示公司的三周：{stack.company.customers} 位客户，{stack.company.messages} 条消息，全部是编写的。"
            f"演示里现在是 {begun:%Y-%m-%d %H:%M}，时间可以往后拨。",
            style="dim",
            highlight=False,
        )
    for name, address, note in rows:
        console.print(f"\n  [bold]{name}[/]  [dim]{note}[/]", highlight=False)
        click.echo(f"  {address}")
    if (line := _tunnel(stack)) is not None:
        console.print(
            "\n  [bold]这台机器上没有浏览器？[/]  [dim]在您自己的电脑上运行，再打开上面的地址[/]", highlight=False
        )
        click.echo(f"  {line}")
    console.print("\n第一页上方有「试试这五件事」。按 Ctrl-C 结束。", style="dim")


def _tunnel(stack: Stack) -> str | None:
    """The `ssh -L` line that brings the pages to a browser elsewhere; None where one is at hand."""
    here = os.environ.get("SSH_CONNECTION", "").split()
    if not here and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    host = here[2] if len(here) == 4 else socket.gethostname()
    port = f"-p {here[3]} " if len(here) == 4 and here[3] != "22" else ""
    ports = " ".join(f"-L {port}:127.0.0.1:{port}" for port in (stack.sandbox_port, stack.web_port))
    return f"ssh {port}{ports} {getpass.getuser()}@{host}"


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
