"""Task answers: applies what an agent decides about a prompt on a page: later, not fitting, sent by one tap."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.agents.card_clicks import REASONS
from bot.customers.state import OPEN_STATES
from bot.platform.models import SopTask
from bot.platform.work import Work
from bot.sops.card_closing import cancel_cards
from bot.sops.customer_steps import bring_forward, steps_that_wait
from bot.sops.prompts import put_off
from bot.wecom.errors import BotError
from sop.cards import POSTPONED
from sop.workcalendar import Workcalendar

DELAYS = {"30m": "30 分钟后", "2h": "2 小时后", "tomorrow": "明天 9:00"}
TAP_HOLDS = timedelta(minutes=10)  # the archive shows a message within a minute or so, seldom later
GROUP_SENT, NO_DELAY, NO_REASON = "这一步由企业群发统一发出，不能单独推迟", "请选推迟到什么时候", "请选为什么不合适"
TAPPED, SETTLED = "刚才已点发送，等存档证实", "这一步已经处理过了"
REFUSALS = (GROUP_SENT, NO_DELAY, NO_REASON, TAPPED, SETTLED)
_SPANS = {"30m": timedelta(minutes=30), "2h": timedelta(hours=2)}


class AnswerRefusedError(BotError):
    """An answer that is no longer possible; the text is for the agent."""


def postpone(work: Work, task: SopTask, option: str) -> None:
    """Prompt the agent again later (a key of DELAYS) and hold back a waiting card. Raises AnswerRefusedError."""
    _check_open(task)
    if task.group_send_id is not None:
        raise AnswerRefusedError(GROUP_SENT)
    if option not in DELAYS:
        raise AnswerRefusedError(NO_DELAY)
    until = until_of(option, work.settings.calendar, work.now)
    cancel_cards(work, [task.id], POSTPONED)
    put_off(task, max(until, task.due_at), POSTPONED)
    task.tapped_at = None


def decline(work: Work, task: SopTask, reason: str) -> None:
    """Drop the prompt as not fitting (a key of REASONS), which counts against its step. Raises AnswerRefusedError."""
    _check_open(task)
    if reason not in REASONS:
        raise AnswerRefusedError(NO_REASON)
    task.state, task.rejected_because = "cancelled", reason
    task.ended_because = f"员工认为不合适：{REASONS[reason]}"
    cancel_cards(work, [task.id], task.ended_because)
    bring_forward(work, steps_that_wait(work, task.customer_id))


def record_tap(task: SopTask, now: datetime, *, again: bool = False) -> None:
    """Take the one tap that sends this task's words; a second one within TAP_HOLDS is refused unless `again`."""
    _check_open(task)
    if task.tapped_at is not None and now - task.tapped_at < TAP_HOLDS and not again:
        raise AnswerRefusedError(TAPPED)
    task.tapped_at = now


def _check_open(task: SopTask) -> None:
    if task.state not in OPEN_STATES:
        raise AnswerRefusedError(SETTLED)


def until_of(option: str, calendar: Workcalendar, now: datetime) -> datetime:
    """The instant an option means, moved on to the next slot within work hours."""
    if option in _SPANS:
        return calendar.next_slot(now + _SPANS[option])
    tomorrow = calendar.local(now).date() + timedelta(days=1)
    return calendar.next_slot(calendar.instant(tomorrow, datetime.min.time().replace(hour=9)))
