"""Complete: the archive proves what an agent sent, and a customer's answer (or silence) closes the window."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cases import Case, open_cases
from bot.models import Agent, Customer, Message, SopTask
from bot.noticing import give_tag
from bot.observing import observe_window
from bot.prompting import cancel_cards
from bot.settings import Settings
from sop.completion import best_match, lateness
from sop.windows import outcome


def complete(
    session: Session, settings: Settings, case: Case, message: Message, said: str, agent: Agent, now: datetime
) -> SopTask | None:
    """Hold what an agent typed against the open tasks of the customer; returns the task it fulfils."""
    rules = settings.tables.completion
    ticked = [task for task in case.answerable if task.outcome == "ticked" and task.state == "completed"]
    open_tasks = [task for task in case.open_tasks if task.due_at <= message.sent_at + rules.look_back]
    candidates = sorted({*ticked, *open_tasks}, key=lambda task: (task.due_at, task.id))
    found = best_match(said, [(task, task.text) for task in candidates], rules)
    if found is None:
        return None
    task: SopTask = found.task
    task.state, task.outcome, task.similarity = "completed", found.match.outcome, round(found.match.similarity, 4)
    task.timing = lateness(message.sent_at, task.delivered_at, rules.late_after)
    task.completed_at, task.sent_msgid, task.sent_by_id = message.sent_at, message.msgid, agent.id
    task.window_until = message.sent_at + timedelta(seconds=task.window_seconds)
    if task not in case.answerable:
        case.answerable.append(task)
    cancel_cards(session, [task.id], "员工已经发送", now)
    return task


def close_by_answer(session: Session, settings: Settings, case: Case, message: Message, now: datetime) -> list[str]:
    """A customer's message answers the sent steps whose window is open; returns the tags that gives."""
    tags: list[str] = []
    for task in list(case.answerable):
        if task.completed_at is None:
            continue
        window = outcome(_Step(task), task.completed_at, message.sent_at, message.sent_at)
        if window.state != "replied":
            continue
        task.state, task.replied_at, task.reply_msgid = "replied", message.sent_at, message.msgid
        task.window_closed_at = now
        case.answerable.remove(task)
        case.answered.append(task)
        if window.tag:
            reason = f"第 {task.step + 1} 步发出后 {_span(message.sent_at - task.completed_at)}内回复"
            give_tag(session, settings, case, window.tag, now, by="sop", msgid=message.msgid, reason=reason)
            tags.append(window.tag)
        tags += observe_window(session, settings, case, task, now, replied=True)
    return list(dict.fromkeys(tags))


def close_windows(
    session: Session, settings: Settings, now: datetime, limit: int = 500
) -> list[tuple[Case, SopTask, list[str]]]:
    """Close the reply windows that ended in silence; returns the case, task and tags of each."""
    over = select(SopTask).where(SopTask.window_until <= now, SopTask.window_closed_at.is_(None)).limit(limit)
    tasks = session.scalars(over.with_for_update(skip_locked=True)).all()
    ids = {task.customer_id for task in tasks}
    customers = session.scalars(select(Customer).where(Customer.id.in_(ids))).all() if ids else []
    cases = open_cases(session, customers)
    closed: list[tuple[Case, SopTask, list[str]]] = []
    for task in tasks:
        case = cases[task.customer_id]
        task.window_closed_at = now
        tags: list[str] = []
        if task.on_silence and task.replied_at is None:
            give_tag(session, settings, case, task.on_silence, now, by="sop", reason="窗口内没有回复")
            tags = [task.on_silence]
        if task.replied_at is None:
            tags += observe_window(session, settings, case, task, now, replied=False)
        closed.append((case, task, tags))
    return closed


class _Step:
    """A task seen as what sop.windows asks of a step."""

    def __init__(self, task: SopTask) -> None:
        self.reply_window = timedelta(seconds=task.window_seconds)
        self.on_reply = task.on_reply
        self.on_silence = task.on_silence


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} 分钟" if minutes < 120 else f"{minutes // 60} 小时"
