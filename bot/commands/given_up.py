"""`flask given-up`: lists what was given up after several tries, and takes it up again."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from bot.commands.terminal import Table, console, migrated_system
from bot.ops.given_up import FAILED, given_up_calls, given_up_events, read_given_up, take_up_again

_SHOWN = 50


@click.group("given-up", help="没处理成的：试了几次都不成而放下的事件与调用。")
def given_up() -> None: ...


@given_up.command("list", help="列出来，连同原因。")
@with_appcontext
def list_given_up() -> None:
    system = migrated_system()
    zone = system.settings.zone
    with system.store.read() as session:
        found = read_given_up(session)
        table = Table("类别", "名称", "时间", "原因", title=_summary(found.events, found.calls), title_justify="left")
        for event in given_up_events(session, _SHOWN):
            at, why = event.received_at.astimezone(zone), (event.outcome or "").removeprefix(FAILED)
            table.add_row("事件", f"{event.name} {event.change_type}".strip(), f"{at:%m-%d %H:%M}", _plain(why))
        for row in given_up_calls(session, _SHOWN):
            at = row.created_at.astimezone(zone)
            table.add_row("调用", row.kind, f"{at:%m-%d %H:%M}", _plain(row.error or ""))
    if not found.can_retry:
        console.print("没有放下的事件与调用", style="green")
        return
    console.print(table)
    console.print("改好原因之后运行 flask given-up retry", style="dim")


@given_up.command("retry", help="改好原因之后，再处理一遍。")
@with_appcontext
def retry_given_up() -> None:
    system = migrated_system()
    with system.work() as work:
        events, calls = take_up_again(work)
    console.print(f"重新处理 {_summary(events, calls)}；worker 在运行时马上开始，结果见 flask status")


def _summary(events: int, calls: int) -> str:
    return f"{events} 个事件、{calls} 个调用"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
