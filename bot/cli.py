"""The command line: `flask demo`, `worker`, `scheduler`, `sandbox`, `init`, `check`, `replay`, `status`, `db`, ..."""

from __future__ import annotations

import signal
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext
from redis import RedisError
from rich.table import Table
from sqlalchemy.exc import OperationalError

from bot.commands.admin import admin_group
from bot.commands.archive_key_pairs import keys
from bot.commands.archive_keys import check_keys
from bot.commands.audit import audit_group
from bot.commands.backup import backup, restore
from bot.commands.bench.command import bench
from bot.commands.bench.ingest_command import bench_ingest
from bot.commands.bench.seed_command import seed_command
from bot.commands.customer import customer
from bot.commands.demo.chapters import own_config
from bot.commands.demo.replay import ReplayError, as_json, read_dialogues
from bot.commands.demo.replay import replay as run_replay
from bot.commands.demo.stack import Stack, StackError
from bot.commands.demo.story import tell_story
from bot.commands.doctor import doctor
from bot.commands.input_checks import guard
from bot.commands.keys import data_line, rotate_keys
from bot.commands.privacy import erase_customer, export_customer, privacy
from bot.commands.rules import rules
from bot.commands.sandbox import sandbox
from bot.commands.sends import sends
from bot.commands.sop import sop
from bot.commands.terminal import console, fail, fail_by_config, migrated_system, progress_bar, system_at_hand
from bot.commands.wecom import wecom
from bot.intake import pull as ingest
from bot.ops import status
from bot.platform import clock, valkey
from bot.platform.config.settings import ConfigError, load_settings
from bot.platform.database import schema
from bot.platform.environment import ROOT, SurroundingsError
from bot.platform.signed_links import board_url
from bot.worker import scheduler, worker

PLAYBOOKS = ("education", "maternity", "automotive")
_STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


def register(app: Flask) -> None:
    """Add the commands to Flask's own."""
    sop.add_command(sends)
    bench.add_command(bench_ingest)
    keys.add_command(check_keys)
    keys.add_command(rotate_keys)
    keys.add_command(data_line)
    customer.add_command(export_customer)
    customer.add_command(erase_customer)
    for command in (privacy, demo, run_worker, run_scheduler, sandbox, init, check, replay, show_status, db,
                    board_link, quarantine, queue, keys, customer, rules, sop, bench, wecom,
                    admin_group, audit_group, seed_command, doctor, backup, restore):  # fmt: skip
        guard(command)
        app.cli.add_command(command)


@click.command("demo", help="启动完整演示：沙盒企业微信、网页、worker 与调度器。Ctrl-C 全部结束，再次启动接着上次。")
@click.option("--port", default=8000, show_default=True, help="网页端口（被占用时自动换）")
@click.option("--sandbox-port", default=8100, show_default=True, help="沙盒端口（被占用时自动换）")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="状态目录，默认 var/demo")
@click.option("--story", is_flag=True, help="自动演完整个故事：每一步都在沙盒或数据库里核对，缺一步即以 1 退出")
@with_appcontext
def demo(port: int, sandbox_port: int, folder: Path | None, story: bool) -> None:
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


@click.command("worker", help="运行 worker：拉取存档、打标签、移动阶段、送出提醒。")
@click.option("--burst", is_flag=True, help="队列空了就结束")
@with_appcontext
def run_worker(burst: bool) -> None:
    system = migrated_system()
    try:
        system.environment.needs_wecom()
        worker.run(system, burst=burst)
    except (ConfigError, SurroundingsError) as error:
        fail(str(error))
    except RedisError as error:
        fail(f"连不上队列：{error}\n检查 TICI_REDIS_URL / cannot reach the queue")


@click.command("scheduler", help="运行调度器：到点的任务、计时移动、定期补漏。可以多开，只有一个在工作。")
@with_appcontext
def run_scheduler() -> None:
    system = migrated_system()
    scheduler.run(system)


@click.command("init", help="从行业模板生成 config.toml。")
@click.option("--playbook", type=click.Choice(PLAYBOOKS), default="education", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=Path("config.toml"), show_default=True)
@click.option("--force", is_flag=True, help="覆盖已有文件（旧文件存为 .bak）")
def init(playbook: str, output: Path, force: bool) -> None:
    if output.is_dir():
        fail(f"{output} 是一个文件夹，请用 --output 给出文件名")
    if output.exists():
        if not force:
            fail(f"{output} 已存在。加 --force 覆盖（旧文件会存为 {output}.bak），或用 --output 换个文件名")
        output.replace(Path(f"{output}.bak"))
    output.write_text(
        (ROOT / "bot" / "platform" / "config" / "playbooks" / f"{playbook}.toml").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    settings = load_settings(output)
    tables = settings.tables
    console.print(
        f"已写好 {output}：{len(tables.rules)} 条规则，{len(tables.pipelines)} 条流程，{len(tables.sops)} 个 SOP。"
        f"改完用 flask check 检查。"
    )


@click.command("check", help="检查 config.toml：所有错误一次列出，带行号与改法。")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@with_appcontext
def check(path: Path | None) -> None:
    path = path or system_at_hand().environment.config
    started = time.monotonic()
    try:
        settings = load_settings(path, today=clock.now().date())
    except ConfigError as error:
        fail_by_config(error, path)
    tables = settings.tables
    examples = sum(len(rule.examples.hit) + len(rule.examples.miss) for rule in tables.rules)
    console.print(
        f"{path} 没有问题（版本 {settings.version}）：{len(tables.rules)} 条规则、{examples} 个例句全部通过，"
        f"{len(tables.pipelines)} 条流程，{len(tables.sops)} 个 SOP，用时 {time.monotonic() - started:.1f} 秒",
        style="green",
    )
    for warning in settings.warnings:
        console.print(f"注意：{warning}", style="yellow", markup=False)


@click.command("replay", help="把一份对话记录（JSON Lines）完整走一遍：加密存档、回调、打标签、移动、计划任务。")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="状态目录，默认 var/replay")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 8))
@click.option("--json", "json_only", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def replay(path: Path, folder: Path | None, workers: int, json_only: bool) -> None:
    config = system_at_hand().environment.config.resolve()
    if not path.is_file():
        fail(f"没有这个文件：{path}")
    try:
        dialogues = read_dialogues(path)
        with Stack((folder or ROOT / "var" / "replay").resolve(), config, workers=workers) as stack:
            with progress_bar("入库", json_only) as progress:
                bar = progress.add_task("", total=None)
                outcome = run_replay(
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


@click.command("status", help="看一眼系统：配置、存档、任务、队列、调度器。有红色项时以 1 退出。")
@with_appcontext
def show_status() -> None:
    system = system_at_hand()
    try:
        lines = status.take_stock(system, clock.now())
    except OperationalError as error:
        fail(f"连不上数据库：{error.orig}\n检查 TICI_DATABASE_URL")
    table = Table("项目", "现状", "怎么办", title="提词 Tici", title_justify="left")
    for line in lines:
        table.add_row(line.what, f"[{_STYLES[line.level]}]{_plain(line.value)}[/]", _plain(line.advice))
    console.print(table)
    raise SystemExit(1 if any(line.level == "bad" for line in lines) else 0)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


@click.group("db", help="数据库：升级与查看版本。")
def db() -> None: ...


@db.command("upgrade", help="把数据库升级到这一版（可重复运行）。")
@with_appcontext
def db_upgrade() -> None:
    system = system_at_hand()
    try:
        before, after = schema.upgrade(system.store.engine)
    except OperationalError as error:
        fail(f"连不上数据库：{error.orig}\n检查 TICI_DATABASE_URL")
    grown = "" if before == after else f"（原为版本 {before}）" if before else "（新建）"
    console.print(f"数据库已是版本 {after}{grown}")


@db.command("revise", hidden=True)
@click.argument("message")
@with_appcontext
def db_revise(message: str) -> None:
    """For developers: write the next migration from the models."""
    schema.write_migration(system_at_hand().store.engine, message)


@click.command("board-link", help="生成一个打开看板的链接（只读）。")
@click.option("--hours", default=12, show_default=True, type=click.IntRange(1, 24 * 30))
@with_appcontext
def board_link(hours: int) -> None:
    system = system_at_hand()
    click.echo(board_url(system.environment.base_url, system.signing_key, clock.now(), timedelta(hours=hours)))


@click.group("quarantine", help="隔离区：读不出的存档消息。")
def quarantine() -> None: ...


@quarantine.command("replay", help="补上私钥或升级之后，再读一遍隔离区。")
@with_appcontext
def quarantine_replay() -> None:
    system = migrated_system()
    try:
        freed, kept = ingest.replay_quarantine(system)
    except (ConfigError, SurroundingsError, ValueError) as error:
        fail(str(error))
    console.print(f"读出 {freed} 条，仍有 {kept} 条读不出")


@click.group("queue", help="内置队列（Valkey）。")
def queue() -> None: ...


@queue.command("stop", help="结束内置 Valkey（未送出的工作都在数据库里，不会丢）。")
@with_appcontext
def queue_stop() -> None:
    console.print("已结束" if valkey.stop_valkey(system_at_hand().environment.var) else "没有在运行")
