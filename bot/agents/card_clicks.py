"""Card clicks: applies an agent's answer on a card (已发送, 稍后 and when, 不合适 and why) and updates it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.agents.reading import may_read, reader_of_agent
from bot.customers.identity import find_agents
from bot.customers.state import OPEN_STATES
from bot.platform.config.settings import Settings
from bot.platform.models import CallbackEvent, SopTask
from bot.platform.work import About, Work
from bot.sops.card_closing import close_other_cards
from bot.sops.customer_steps import bring_forward, steps_that_wait
from bot.sops.prompts import put_off
from bot.sops.task_refs import find_task
from bot.wecom.cards import CardQuestion
from bot.wecom.event_kinds import CardClick
from sop.cards import closing_label
from sop.delays import DELAYS, delayed_until

WHEN_ASKED, WHY_ASKED = "when", "why"
REASONS = {
    "timing": "时机不对",
    "wording": "话术不合适",
    "handled": "我已另外处理",
    "customer": "这位客户不适合",
    "other": "其他",
}


@dataclass(frozen=True)
class CardUpdate:
    """How the card is to look from now on: the words on its buttons, or a question with choices."""

    settled: str = ""
    choice: CardQuestion | None = None


def take_click(work: Work, event: CardClick, row: CallbackEvent) -> str:
    """Do what the button says, once; a click on a task that is already settled only updates the card."""
    action, _, ref = event.key.partition(":")
    task = find_task(work.session, ref)
    agent = find_agents(work.session, [event.userid], work.now)[event.userid.casefold()]
    if task is None or task.agent_id != agent.id or action not in ACTIONS:
        return f"stored: click {event.key[:40]}"
    if not may_read(work.session, reader_of_agent(work.session, agent.id, work.now), task.customer_id):
        if event.response_code:
            _put_update(work, task, event, CardUpdate(settled="已失效"), row)
        return "click: refused, the customer is not theirs any more"
    chosen = {question: options[0] for question, options in event.selected if options}
    if task.state == "delivered":
        change = ACTIONS[action](work.settings, task, chosen, work.now)
        if task.state not in OPEN_STATES:
            bring_forward(work, steps_that_wait(work, task.customer_id))
            close_other_cards(work, task, event.task_id)
        elif task.state == "planned":
            close_other_cards(work, task, event.task_id)
    else:
        change = CardUpdate(settled=_settled(task))
    if event.response_code:
        _put_update(work, task, event, change, row)
    return f"click: {action}"


def mark_ticked(task: SopTask, now: datetime) -> None:
    """Complete a task on the agent's word; the archive may still prove how it was sent."""
    task.state, task.outcome, task.timing = "completed", "ticked", "in-time"
    task.completed_at, task.sent_by_id = now, task.agent_id
    task.window_until = now + timedelta(seconds=task.window_seconds)


def _sent(settings: Settings, task: SopTask, chosen: dict[str, str], now: datetime) -> CardUpdate:
    mark_ticked(task, now)
    return CardUpdate(settled="已发送")


def _later(settings: Settings, task: SopTask, chosen: dict[str, str], now: datetime) -> CardUpdate:
    choice = CardQuestion(WHEN_ASKED, "推迟到", tuple(DELAYS.items()), "tomorrow", "推迟", f"delay:{task.ref}")
    return CardUpdate(choice=choice)


def _delay(settings: Settings, task: SopTask, chosen: dict[str, str], now: datetime) -> CardUpdate:
    until = delayed_until(chosen.get(WHEN_ASKED, "tomorrow"), settings.calendar, now)
    put_off(task, until, "员工推迟")
    return CardUpdate(settled=f"已推迟到 {settings.calendar.local(task.due_at):%m-%d %H:%M}")


def _unfit(settings: Settings, task: SopTask, chosen: dict[str, str], now: datetime) -> CardUpdate:
    choice = CardQuestion(WHY_ASKED, "为什么不合适", tuple(REASONS.items()), "timing", "提交", f"reject:{task.ref}")
    return CardUpdate(choice=choice)


def _reject(settings: Settings, task: SopTask, chosen: dict[str, str], now: datetime) -> CardUpdate:
    reason = chosen.get(WHY_ASKED, "other")
    task.state, task.rejected_because = "cancelled", reason if reason in REASONS else "other"
    task.ended_because = f"员工认为不合适：{REASONS.get(reason, REASONS['other'])}"
    return CardUpdate(settled="已记下，不再提醒")


ACTIONS: dict[str, Callable[[Settings, SopTask, dict[str, str], datetime], CardUpdate]] = {
    "sent": _sent,
    "later": _later,
    "delay": _delay,
    "unfit": _unfit,
    "reject": _reject,
}
_SETTLED = {"completed": "已发送", "replied": "客户已回复", "expired": "已过期", "planned": "已推迟"}


def _settled(task: SopTask) -> str:
    """What became of a task that is not open any more: what ended it, where something did."""
    return _SETTLED.get(task.state) or closing_label(task.ended_because or "已处理")


def _put_update(work: Work, task: SopTask, event: CardClick, change: CardUpdate, row: CallbackEvent) -> None:
    payload: dict[str, Any] = {
        "response_code": event.response_code,
        "userid": event.userid,
        "settled": change.settled,
    }
    if change.choice is not None:
        payload["choice"] = change.choice.as_dict()
    outbox = work.send(
        "card_change",
        f"card_change:{row.id}",
        payload,
        About(customer_id=task.customer_id, agent_id=task.agent_id, task_id=task.id),
    )
    outbox.deadline = work.now + timedelta(hours=72)  # after which WeCom no longer takes the response_code
