"""`flask sop`: previews an SOP, simulates all of them, enrols and stops customers by hand."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from flask.cli import with_appcontext
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_enrolment import (
    EnrolRefusedError,
    enrol_by_hand,
    find_sop,
    preview_for,
    preview_imagined,
    stop_by_hand,
)
from bot.commands.terminal import Table, console, errors, fail, migrated_system, system_at_hand
from bot.customers.state import CustomerState, load_customer
from bot.platform import clock
from bot.platform.config.settings import Settings
from bot.platform.models import Customer
from bot.sops.never_spoken import preview_never_spoken
from sop.findings import SimulationReport
from sop.population import Scenario
from sop.preview import PreviewedPrompt, by_day
from sop.simulation import simulate
from sop.virtual import Company

_WEEKDAYS = "一二三四五六日"


@click.group("sop", help="跟进（SOP）：预览、模拟、人工加入与停止。")
def sop() -> None: ...


def _state_of(session: Session, external_userid: str) -> CustomerState:
    customer = session.scalar(select(Customer).where(Customer.external_userid == external_userid))
    if customer is None:
        raise EnrolRefusedError(f"没有客户 {external_userid}")
    return load_customer(session, customer)


@sop.command("silent", help="从没说过话的客户：每份 silence 跟进、每条 silence 规则现在会带上多少位，分几天。")
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 数组")
@with_appcontext
def show_silent(as_json: bool) -> None:
    system = migrated_system()
    workspace = system.settings.workspace
    with system.look() as work:
        found = preview_never_spoken(work)
    if as_json:
        rows = [
            {"name": p.name, "days_of_silence": p.length.days, "waiting": p.waiting, "days": p.days} for p in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    if workspace.silent_since is None:
        console.print("还没有打开：在 [workspace] 写 silent_since = 日期，从没说过话的客户才算沉默。打开的话会是：")
    table = Table("等沉默的", "多久", "现在有", "分几天")
    for one in found:
        table.add_row(one.name, f"{one.length.days} 天", f"{one.waiting} 位", f"{one.days} 天")
    console.print(table)
    console.print(f"每份每天最多 {workspace.silent_ramp} 位（silent_ramp）。")


@sop.command("preview", help="这份跟进现在开始的话，接下来 30 天哪天几点提醒什么；每次顺延都说明原因。")
@click.argument("sop_id", metavar="SOP")
@click.option(
    "--customer", help="客户的 external_userid：连同他正在进行的跟进、最近的联系一起算；不给就设想一位新客户"
)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366))
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 数组")
@with_appcontext
def show_preview(sop_id: str, customer: str | None, days: int, as_json: bool) -> None:
    system, now = system_at_hand(), clock.now()
    settings = system.settings
    try:
        table = find_sop(settings, sop_id)
        if customer is None:
            prompts = preview_imagined(settings, table, now, days)
        else:
            with system.look(now) as work:
                prompts = preview_for(work, _state_of(work.session, customer), table, days)
    except EnrolRefusedError as refused:
        fail(str(refused))
    if as_json:
        click.echo(json.dumps([_as_object(settings, prompt) for prompt in prompts], ensure_ascii=False))
        return
    console.print(_calendar(settings, prompts, f"「{table.title or table.id}」接下来 {days} 天"))


def _calendar(settings: Settings, prompts: Sequence[PreviewedPrompt], title: str) -> Table:
    table = Table("日期", "时间", "跟进", title=title, title_justify="left", show_lines=True)
    table.add_column("说什么", overflow="fold", ratio=2)
    table.add_column("为什么是这时候", overflow="fold", ratio=1)
    for day, these in by_day(prompts, settings.workspace).items():
        for number, prompt in enumerate(these):
            shown = f"{day:%m-%d} 周{_WEEKDAYS[day.weekday()]}" if number == 0 else ""
            name = f"{prompt.title} 第 {prompt.step + 1} 步"
            row = (shown, _clock(settings, prompt.at), name, prompt.text, _why(settings, prompt))
            table.add_row(*(cell.replace("[", r"\[") for cell in row))
    return table


def _why(settings: Settings, prompt: PreviewedPrompt) -> str:
    hops = [f"{shift.reason} → {_local(settings, shift.to):%m-%d %H:%M}" for shift in prompt.shifts]
    return "\n".join([f"原定 {_local(settings, prompt.wished_at):%m-%d %H:%M}", *hops]) if hops else "如期"


def _as_object(settings: Settings, prompt: PreviewedPrompt) -> dict[str, Any]:
    return {
        "at": _local(settings, prompt.at).isoformat(),
        "sop": prompt.sop_id,
        "step": prompt.step + 1,
        "text": prompt.text,
        "wished_at": _local(settings, prompt.wished_at).isoformat(),
        "shifts": [{"reason": shift.reason, "to": _local(settings, shift.to).isoformat()} for shift in prompt.shifts],
    }


def _local(settings: Settings, at: datetime) -> datetime:
    return at.astimezone(settings.zone)


def _clock(settings: Settings, at: datetime) -> str:
    return f"{_local(settings, at):%H:%M}"


@sop.command(
    "simulate", help="用设想的客户把整份配置跑一遍（虚拟时间，不碰数据库）：每位员工每天多少提醒，有没有越界。"
)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 366))
@click.option("--customers", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--agents", type=click.IntRange(1, 100_000), help="员工人数；默认每 250 位客户一位")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="从哪天开始，默认今天")
@click.option("--seed", default="tici", show_default=True, help="同样的种子得到同样的结果")
@click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象")
@with_appcontext
def run_simulation(
    days: int, customers: int, agents: int | None, start: datetime | None, seed: str, as_json: bool
) -> None:
    settings = system_at_hand().settings
    tables, began = settings.tables, time.monotonic()
    company = Company(tables.pipelines, tables.sops, tables.workspace, tables.budget, tables.overdue)
    first = start.replace(tzinfo=settings.zone) if start else clock.now()
    columns = (TextColumn("模拟"), BarColumn(), MofNCompleteColumn(), TextColumn("天"), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json) as progress:
        bar = progress.add_task("", total=days)
        scenario = Scenario(days, customers, agents, seed)
        found = simulate(company, first, scenario, lambda day: progress.update(bar, completed=day))
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        click.echo(json.dumps({**found.as_object(), "seconds": seconds}, ensure_ascii=False))
    else:
        console.print(_findings(found, seconds))
    for example in found.examples:
        errors.print(example, style="red", markup=False)
    raise SystemExit(1 if found.broken else 0)


def _findings(found: SimulationReport, seconds: float) -> Table:
    table = Table(
        "", "", title=f"{found.customers} 位客户，{found.agents} 位员工，{found.days} 天", title_justify="left"
    )
    loads = [
        (f"每人每个工作日{what}", f"中位 {load.median}，95% 的日子不超过 {load.p95}，最多 {load.most}")
        for what, load in (("的任务", found.prompts_a_day), ("被提醒次数", found.disturbances_a_day))
    ]
    rows = [
        *loads,
        ("提醒", f"{found.prompts}（单张卡片 {found.cards}，清单 {found.lists}）；早间清单 {found.morning_lists}"),
        ("员工照做 / 客户回复", f"{found.followed} / {found.answered}"),
        ("催办 / 告知上级", f"{found.reminders} / {found.leaders_told}"),
        ("加入跟进 / 中途停止", f"{found.enrolments} / {found.stopped}"),
        ("迟到别的日子 / 过期作罢", f"{found.late_steps} / {found.dropped}"),
        ("等候的原因", "，".join(f"{why} {count}" for why, count in found.waits.most_common()) or "没有"),
        ("越界", f"{found.broken}"),
        ("用时", f"{seconds} 秒"),
    ]
    for name, value in rows:
        table.add_row(name, value, style="red" if name == "越界" and found.broken else None)
    return table


@sop.command("enrol", help="人工把一位客户加入一份跟进，立即生效。")
@click.argument("sop_id", metavar="SOP")
@click.argument("external_userid")
@with_appcontext
def enrol_one(sop_id: str, external_userid: str) -> None:
    try:
        with migrated_system().work() as work:
            state = _state_of(work.session, external_userid)
            made = enrol_by_hand(work, state, sop_id, getpass.getuser())
            due = [_local(work.settings, task.due_at) for task in made.tasks]
    except EnrolRefusedError as refused:
        fail(str(refused))
    console.print(f"已加入，{len(due)} 步：{'、'.join(f'{at:%m-%d %H:%M}' for at in due)}", highlight=False)


@sop.command("stop", help="人工停止一位客户的一份跟进；还没发的提醒全部取消。")
@click.argument("sop_id", metavar="SOP")
@click.argument("external_userid")
@with_appcontext
def stop_one(sop_id: str, external_userid: str) -> None:
    try:
        with migrated_system().work() as work:
            state = _state_of(work.session, external_userid)
            count = stop_by_hand(work, state, sop_id, getpass.getuser())
    except EnrolRefusedError as refused:
        fail(str(refused))
    console.print("已停止" if count else "客户不在这份跟进里，没有可停止的")
