"""`flask doctor`: every requirement, what was found, and how to mend it; the exit code is for monitoring."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from flask.cli import with_appcontext
from rich.markup import escape
from rich.padding import Padding

from bot.commands.terminal import console, progress_bar, system_at_hand
from bot.ops.doctor.examination import CHECKS, run_checks
from bot.ops.doctor.finding import BAD, OK, SKIPPED, WARN
from bot.platform import clock

_NAMES = [check.name for check in CHECKS]
_SIGNS = {OK: "[green]✓[/]", WARN: "[yellow]![/]", BAD: "[red]✗[/]", SKIPPED: "[dim]·[/]"}


@click.command(
    "doctor",
    help="逐项检查后台设置、网络、密钥、数据库与进程，说哪里不对、在哪里点。退出码：0 正常，1 有提醒，2 有错误。",
)
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@click.option(
    "--only", multiple=True, type=click.Choice(_NAMES), metavar="NAME", help="只查这一项，可写多次，例如 workers"
)
@with_appcontext
def doctor(as_json: bool, only: tuple[str, ...]) -> None:
    system, results = system_at_hand(), []
    with progress_bar("检查", as_json) as progress:
        bar = progress.add_task("", total=len(only or CHECKS))
        for check, finding in run_checks(system, clock.now(), only):
            results.append((check, finding))
            progress.advance(bar)
    levels = {finding.level for _check, finding in results}
    code = 2 if BAD in levels else 1 if WARN in levels else 0
    if as_json:
        rows = [{"check": check.name, "title": check.title, **asdict(finding)} for check, finding in results]
        click.echo(json.dumps({"ok": code == 0, "checks": rows}, ensure_ascii=False))
        raise SystemExit(code)
    for check, finding in results:
        found = f"先解决 {finding.waits_for}" if finding.level == SKIPPED else finding.found
        console.print(f"{_SIGNS[finding.level]} [bold]{check.title}[/]  {escape(found)}", highlight=False)
        if finding.mend:
            console.print(Padding(escape(finding.mend), (0, 0, 0, 4)), highlight=False)
    raise SystemExit(code)
