"""Completion: proves from the archive what an agent sent; closes reply windows by an answer or by silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.behaviour import observe_window
from bot.customers.new_message import AnyMessage
from bot.customers.state import OPEN_STATES, CustomerState, load_customers
from bot.customers.tags import TagSource, give_tag
from bot.platform.message_links import mass_name
from bot.platform.models import Agent, Customer, SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from bot.sops.customer_steps import bring_forward
from bot.sops.material_uploads import md5s_of
from sop.attachments import KEYS
from sop.cards import SENT
from sop.completion import best_match, lateness
from sop.proofs import SentContent, attachments_in
from sop.windows import outcome

# Outcomes proven by less than the text itself; a text that comes later replaces them.
_SOFT = ("ticked", *KEYS)


@dataclass(frozen=True)
class AgentMessage:
    """A message of the archive that an agent sent. text: what they typed; attachments: what else it carries."""

    message: AnyMessage
    agent: Agent
    text: str
    attachments: SentContent | None = None


def complete(work: Work, state: CustomerState, sent: AgentMessage) -> SopTask | None:
    """Compare what an agent sent with the open tasks of the customer; returns the task it fulfils.

    The text decides; an attachment is added to the step whose text has been sent, and fulfils a step by itself only
    where there is no such step.
    """
    rules = work.settings.tables.completion
    soft = [task for task in state.answerable if task.state == "completed" and _wants_text(task)]
    open_tasks = [task for task in state.open_tasks if task.due_at <= sent.message.sent_at + rules.look_back]
    candidates = sorted({*soft, *open_tasks}, key=lambda task: (task.due_at, task.id))
    found = best_match(sent.text, [(task, task.text) for task in candidates], rules)
    if found is None:
        return _add_attachments(work, state, open_tasks, sent) if sent.attachments else None
    task: SopTask = found.task
    by_group = task.outcome == "group-send"
    task.outcome = "group-send" if by_group else found.match.outcome
    task.similarity = round(found.match.similarity, 4)
    if sent.attachments:
        _note_attachments(work.session, task, sent.attachments)
    _fulfil(work, state, task, sent)
    return task


def _wants_text(task: SopTask) -> bool:
    return task.outcome in _SOFT or (task.outcome == "group-send" and task.sent_msgid is None)


def _fulfil(work: Work, state: CustomerState, task: SopTask, sent: AgentMessage) -> None:
    message, was_open, task.state = sent.message, task.state in OPEN_STATES, "completed"
    task.timing = lateness(message.sent_at, task.delivered_at, work.settings.tables.completion.late_after)
    task.completed_at, task.sent_msgid, task.sent_by_id = message.sent_at, message.msgid, sent.agent.id
    task.window_until = message.sent_at + timedelta(seconds=task.window_seconds)
    if task not in state.answerable:
        state.answerable.append(task)
    if was_open:  # one that the agent ticked off shows it already
        cancel_cards(work, [task.id], SENT)
        bring_forward(work, state.open_tasks)


def _add_attachments(
    work: Work, state: CustomerState, open_tasks: Sequence[SopTask], sent: AgentMessage
) -> SopTask | None:
    """Count a link, picture or file without the step's text towards the step it belongs to."""
    carried = sent.attachments or SentContent()
    for task in [task for task in state.answerable if task.state == "completed"]:
        if _note_attachments(work.session, task, carried):
            return None
    for task in open_tasks:
        if found := _note_attachments(work.session, task, carried):
            task.outcome = str(task.attach[found[0]]["kind"])
            _fulfil(work, state, task, sent)
            return task
    return None


def _note_attachments(session: Session, task: SopTask, carried: SentContent) -> list[int]:
    """Note those of the task's attachments that a message carries and that were not seen before; returns them."""
    if not task.attach:
        return []
    known = md5s_of(session, [str(item["file"]) for item in task.attach if item.get("file")]) if carried.md5s else {}
    names = [task.ref] if task.group_send_id is None else [task.ref, mass_name(task.group_send_id)]
    found = [i for i in attachments_in(carried, names, task.attach, known) if i not in task.attached]
    if found:
        task.attached = sorted({*task.attached, *found})
    return found


def close_by_answer(work: Work, state: CustomerState, message: AnyMessage) -> list[str]:
    """A customer's message answers the sent steps whose window is open; returns the tags that gives."""
    tags: list[str] = []
    for task in list(state.answerable):
        if task.completed_at is None:
            continue
        window = outcome(_Step(task), task.completed_at, message.sent_at, message.sent_at)
        if window.state != "replied":
            continue
        task.state, task.replied_at, task.reply_msgid = "replied", message.sent_at, message.msgid
        task.window_closed_at = work.now
        state.answerable.remove(task)
        state.answered.append(task)
        if window.tag:
            reason = f"第 {task.step + 1} 步发出后 {_span(message.sent_at - task.completed_at)}内回复"
            give_tag(work, state, window.tag, TagSource("sop", reason, msgid=message.msgid))
            tags.append(window.tag)
        tags += observe_window(work, state, task, replied=True)
    return list(dict.fromkeys(tags))


def close_windows(work: Work, limit: int = 500) -> list[tuple[CustomerState, SopTask, list[str]]]:
    """Close the reply windows that ended in silence; returns the state, task and tags of each."""
    over = select(SopTask).where(SopTask.window_until <= work.now, SopTask.window_closed_at.is_(None)).limit(limit)
    tasks = work.session.scalars(over.with_for_update(skip_locked=True)).all()
    ids = {task.customer_id for task in tasks}
    customers = work.session.scalars(select(Customer).where(Customer.id.in_(ids))).all() if ids else []
    states = load_customers(work.session, customers)
    closed: list[tuple[CustomerState, SopTask, list[str]]] = []
    for task in tasks:
        state = states[task.customer_id]
        task.window_closed_at = work.now
        tags: list[str] = []
        if task.on_silence and task.replied_at is None:
            give_tag(work, state, task.on_silence, TagSource("sop", "窗口内没有回复"))
            tags = [task.on_silence]
        if task.replied_at is None:
            tags += observe_window(work, state, task, replied=False)
        closed.append((state, task, tags))
    return closed


class _Step:
    """A task as the step that sop.windows asks about."""

    def __init__(self, task: SopTask) -> None:
        self.reply_window = timedelta(seconds=task.window_seconds)
        self.on_reply = task.on_reply
        self.on_silence = task.on_silence


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} 分钟" if minutes < 120 else f"{minutes // 60} 小时"
