"""Overdue prompts: reminds the agent, then tells their leader, in work hours, each time once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from bot.agents.daily_list import APART
from bot.agents.reading import Reader, readable, reader_of_agent
from bot.agents.reminders import Reminder
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Outbox, SopTask
from bot.platform.models.columns import new_ref
from bot.platform.signed_links import day_url
from bot.platform.work import About, Work
from bot.sops.gate import last_told
from bot.sops.prompt_cards import prompt_buttons, prompt_card, send_card
from bot.wecom.cards import button_interaction, list_notice
from sop.overdue import Nudge, next_nudge

if TYPE_CHECKING:
    from bot.system import System

KIND = "nudge"
MOST_LISTED = 10


def nudge_overdue(work: Work, limit: int = 500) -> int:
    """Put out the nudges whose time has come, one message for all of an agent's; returns how many tasks were seen."""
    rules = work.settings.tables.overdue
    if not rules.remind_after and not rules.leader_after:
        return 0
    open_now = (
        select(SopTask)
        .where(
            SopTask.state == "delivered",
            SopTask.channel == "card",
            or_(SopTask.nudge_at.is_(None), SopTask.nudge_at <= work.now),
        )
        .order_by(SopTask.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    tasks = work.session.scalars(open_now).all()
    together: dict[tuple[int, str], list[SopTask]] = {}
    gap = max(work.settings.tables.budget.agent_gap, APART)
    told = last_told(work.session, {task.agent_id for task in tasks}, work.now - gap)
    for task in tasks:
        nudge = _next(task, work.settings)
        if nudge is not None and nudge.at <= work.now and nudge.to == "agent" and task.agent_id in told:
            nudge = Nudge("agent", told[task.agent_id] + gap)  # what names it came just now
        elif nudge is not None and nudge.at <= work.now and not work.settings.calendar.shifts(work.now):
            together.setdefault((task.agent_id, nudge.to), []).append(task)
            _note(task, nudge, work.now)
            nudge = _next(task, work.settings)
        # looked at again when the next is due, at the latest when it expires
        task.nudge_at = (
            max(nudge.at, work.settings.calendar.next_slot(work.now)) if nudge is not None else task.expires_at
        )
    for (agent_id, to), theirs in together.items():
        _put(work, agent_id, to, theirs)
    return len(tasks)


def _next(task: SopTask, settings: Settings) -> Nudge | None:
    if task.delivered_at is None:
        return None
    reminded = [datetime.fromisoformat(at) for at in task.reminded or []]
    told = task.told_leader_at is not None
    rules, calendar = settings.tables.overdue, settings.calendar
    return next_nudge(task.delivered_at, reminded, told, rules, calendar, task.expires_at)


def _note(task: SopTask, nudge: Nudge, now: datetime) -> None:
    if nudge.to == "leader":
        task.told_leader_at = now
    else:
        task.reminded = [*(task.reminded or []), now.isoformat()]


def _put(work: Work, agent_id: int, to: str, tasks: Sequence[SopTask]) -> None:
    first = tasks[0]
    row = work.send(
        KIND,
        f"nudge:{to}:{first.id}:{first.prompts}:{len(first.reminded or [])}",
        {"to": to, "task_ids": [task.id for task in tasks]},
        About(agent_id=agent_id, task_id=first.id if len(tasks) == 1 and to == "agent" else None),
    )
    row.deadline = max(task.expires_at for task in tasks)


class RemindOverdue(Reminder):
    """Reminds of prompts still open when it leaves.

    One alone comes as a card with its buttons, several as a list that opens the page where each has them.
    """

    settled = "都已经跟进了，不用再催"
    unnamed = "{agent} 有 {n} 件跟进过了时间还没有做"

    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[SopTask]:
        asked = SopTask.id.in_(row.payload["task_ids"]), SopTask.state == "delivered"
        listed = select(SopTask).where(*asked, readable(reader, SopTask.customer_id))
        return work.session.scalars(listed.order_by(SopTask.delivered_at, SopTask.id)).all()

    def words(self, work: Work, listed: Sequence[SopTask], about: str) -> str:
        return _words(listed, about, work.now)

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        payload = super().prepare(work, system, row)
        if row.payload["to"] == "leader" or "card" in payload:
            return payload
        agent = work.session.get_one(Agent, row.agent_id)
        listed = self.listed(work, row, reader_of_agent(work.session, agent.id, work.now))
        return {**payload, "card": _card(work, system, row, listed)}

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        return send_card(system, payload) if "card" in payload else super().call(system, payload)


def _card(work: Work, system: System, row: Outbox, listed: Sequence[SopTask]) -> dict[str, Any]:
    """The reminder as a card: it counts as one of its task's own, and is closed with them."""
    if len(listed) == 1:
        (task,) = listed
        row.task_id = task.id
        since = f"{_since(task, work.now)}前提醒过，还没有跟进"
        card = replace(prompt_card(work, system, task, row.created_at), task_id=f"nudge_{new_ref()}", when=since)
        return button_interaction(card, prompt_buttons(task.ref, card.url))
    url = day_url(system.environment.base_url, row.agent_id or 0, system.signing_key, row.created_at)
    lines = [(task.customer.name or "新客户", f"{_since(task, work.now)}前：{task.text}") for task in listed]
    return list_notice(f"nudge_{new_ref()}", f"还有 {len(listed)} 件没有跟进，方便时看一下", lines, url)


def _words(tasks: Sequence[SopTask], agent: str, now: datetime) -> str:
    count = len(tasks)
    head = f"{agent} 有 {count} 件跟进过了时间还没有做" if agent else f"还有 {count} 件没有跟进，方便时看一下"
    lines = [
        f"{number}. {task.customer.name or '新客户'}：{task.text[:30]}（{_since(task, now)}前提醒）"
        for number, task in enumerate(tasks[:MOST_LISTED], 1)
    ]
    rest = count - MOST_LISTED
    tail = [f"还有 {rest} 件"] if rest > 0 else []
    return "\n".join([f"{head}：", *lines, *tail, *([] if agent else ["已经发过的，回复「今日」后写「完成 1」"])])


def _since(task: SopTask, now: datetime) -> str:
    minutes = int((now - (task.delivered_at or now)).total_seconds() // 60)
    hours = minutes // 60
    return f"{minutes} 分钟" if minutes < 120 else f"{hours} 小时" if hours < 48 else f"{hours // 24} 天"
