"""`flask init` and `flask check`: make a config.toml from a playbook, and check one."""

from __future__ import annotations

import time
from pathlib import Path

import click
from flask.cli import with_appcontext

from bot.commands.terminal import console, fail, fail_by_config, migrated_system, operator, system_at_hand
from bot.platform import clock
from bot.platform.config.file import accept_config
from bot.platform.config.settings import ConfigError, load_settings
from bot.platform.environment import ROOT

PLAYBOOKS = ("education", "maternity", "automotive", "b2b")


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
    output.chmod(0o644)  # it holds no secret, and the processes may run as another user than who edits it
    settings = load_settings(output)
    tables = settings.tables
    console.print(
        f"已写好 {output}：{len(tables.rules)} 条规则，{len(tables.pipelines)} 条流程，{len(tables.sops)} 个 SOP。"
        f"改完用 flask check 检查。"
    )


@click.command("check", help="检查 config.toml：所有错误一次列出，带行号与改法。")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--accept", is_flag=True, help="确认采用运行中的配置文件，即使它比现在用的短了很多（被当成残缺而没有采用时）"
)
@with_appcontext
def check(path: Path | None, accept: bool) -> None:
    if accept:
        _accept(path)
        return
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


def _accept(path: Path | None) -> None:
    if path is not None:
        fail("--accept 只用于运行中的配置文件（TICI_CONFIG），请不要写文件名")
    system = migrated_system()
    try:
        settings = accept_config(system.keeper, operator(), clock.now())
    except ConfigError as error:
        fail_by_config(error, system.environment.config)
    console.print(f"已确认：版本 {settings.version}，两秒内在所有进程生效", style="green")
