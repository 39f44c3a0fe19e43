"""`flask sop sends`: the mass messages, and what became of each customer in them."""

from __future__ import annotations

from collections import Counter, defaultdict

import click
from flask.cli import with_appcontext
from sqlalchemy import func, select

from bot.commands.terminal import Table, console, migrated_system
from bot.platform.models import GroupSend, MessageLinkOpening, SopTask
from bot.system import System

STATES = {
    "gathering": "待发起",
    "created": "等员工确认",
    "confirmed": "已确认，等结果",
    "done": "完成",
    "cancelled": "已撤回",
    "failed": "没有发起",
    "unknown": "不明",
}
_TITLES = ("编号", "跟进", "员工", "发起", "状态", "客户", "送达", "非好友", "超上限", "待发", "提醒", "打开", "说明")


@click.command("sends", help="企业群发：每一次发给了多少人，送达、非好友、超上限各多少。")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500), help="最近多少次")
@with_appcontext
def sends(limit: int) -> None:
    system = migrated_system()
    table = Table(*_TITLES, title="企业群发", title_justify="left", padding=0)
    for column in table.columns:
        column.min_width = 4  # two characters, also on a terminal of 80
    table.columns[1].min_width = 16  # which follow-up it was must be readable on a narrow screen too
    with system.store.read() as session:
        groups = session.scalars(select(GroupSend).order_by(GroupSend.id.desc()).limit(limit)).all()
        results: dict[int, Counter[int | str]] = defaultdict(Counter)
        mine = SopTask.group_send_id.in_([group.id for group in groups])
        rows = select(SopTask.group_send_id, SopTask.group_status, SopTask.state).where(mine)
        for group_id, status, state in session.execute(rows):
            results[group_id or 0][status or state] += 1
        links = select(MessageLinkOpening.group_send_id, func.count()).group_by(MessageLinkOpening.group_send_id)
        of_these = links.where(MessageLinkOpening.group_send_id.in_([group.id for group in groups]))
        opened = Counter(dict(session.execute(of_these).all()))
        for group in groups:
            table.add_row(*_row(group, results[group.id], opened[group.id], system))
    console.print(table, markup=False)


def _row(group: GroupSend, count: Counter[int | str], opened: int, system: System) -> list[str]:
    made = group.made_at.astimezone(system.settings.zone) if group.made_at else None
    numbers = (group.customers, count[1], count[2], count[3], count["queued"] + count["delivered"])
    return [
        str(group.id),
        f"{group.sop_id} 第 {group.step + 1} 步",
        group.agent.shown_name,
        f"{made:%m-%d %H:%M}" if made else "—",
        STATES.get(group.state, group.state),
        *map(str, numbers),
        str(len(group.reminded_at)),
        str(opened),
        group.ended_because or group.text[:20],
    ]
