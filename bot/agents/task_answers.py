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
from sop.delays import DELAYS, delayed_until

TAP_HOLDS = timedelta(minutes=10)  # the archive shows a message within a minute or so, seldom later
GROUP_SENT, NO_DELAY, NO_REASON = "这一步由企业群发统一发出，不能单独推迟", "请选推迟到什么时候", "请选为什么不合适"
TAPPED, SETTLED = "刚才已点发送，等存档证实", "这一步已经处理过了"
NO_TIME, NOT_BACK = "请选一个还没到的时间，最远 90 天", "之后又有变化，收不回来了"
REFUSALS = (GROUP_SENT, NO_DELAY, NO_REASON, TAPPED, SETTLED, NO_TIME, NOT_BACK)
FREE = "at"  # the option of 稍后 that names a time of its own
FARTHEST = timedelta(days=90)
LONGEST_WORDS = 80


class AnswerRefusedError(BotError):
    """An answer that is no longer possible; the text is for the agent."""


def postpone(work: Work, task: SopTask, option: str, at: str = "") -> None:
    """Prompt the agent again later (a key of DELAYS, or FREE and the local time `at`), and hold back a waiting card.

    Raises AnswerRefusedError.
    """
    _check_open(task)
    if task.group_send_id is not None:
        raise AnswerRefusedError(GROUP_SENT)
    if option not in (*DELAYS, FREE):
        raise AnswerRefusedError(NO_DELAY)
    until = _free_time(work, at) if option == FREE else delayed_until(option, work.settings.calendar, work.now)
    cancel_cards(work, [task.id], POSTPONED)
    put_off(task, until if option == FREE else max(until, task.due_at), POSTPONED)
    task.tapped_at = None


def _free_time(work: Work, at: str) -> datetime:
    """The first time of work from a local time on, which is written as browsers write it."""
    try:
        wanted = datetime.fromisoformat(at).replace(tzinfo=work.settings.zone)
    except ValueError:
        raise AnswerRefusedError(NO_TIME) from None
    if not work.now < wanted <= work.now + FARTHEST:
        raise AnswerRefusedError(NO_TIME)
    return work.settings.calendar.next_slot(wanted)


def decline(work: Work, task: SopTask, reason: str, words: str = "") -> None:
    """Drop the prompt as not fitting (a key of REASONS), which counts against its step. Raises AnswerRefusedError.

    words: the agent's own for the reason; they stand in its place where the task says why it ended.
    """
    _check_open(task)
    if reason not in REASONS:
        raise AnswerRefusedError(NO_REASON)
    task.state, task.rejected_because = "cancelled", reason
    task.ended_because = f"员工认为不合适：{' '.join(words.split())[:LONGEST_WORDS] or REASONS[reason]}"
    cancel_cards(work, [task.id], task.ended_because)
    bring_forward(work, steps_that_wait(work, task.customer_id))


def may_take_back(task: SopTask, now: datetime) -> bool:
    """Whether 稍后 or 不合适 is the last that became of the step, and there is still time for it."""
    if task.enrolment.ended_at is not None:
        return False
    if task.state == "cancelled":
        return task.rejected_because is not None and task.expires_at > now
    before = _before_delay(task, now)
    return before is not None and task.expires_at - (task.due_at - before) > now


def take_back(work: Work, task: SopTask) -> None:
    """Undo 稍后 or 不合适: the step is prompted anew, when it was due before. Raises AnswerRefusedError."""
    if not may_take_back(task, work.now):
        raise AnswerRefusedError(NOT_BACK)
    before = _before_delay(task, work.now)
    if before is not None:
        task.expires_at -= max(task.due_at - before, timedelta(0))
        task.due_at, task.shifts = before, task.shifts[:-1]
    task.state, task.rejected_because, task.ended_because = "planned", None, None


def _before_delay(task: SopTask, now: datetime) -> datetime | None:
    """When a step was due before it was put off, where that is the last that became of it."""
    last = task.shifts[-1] if task.shifts else None
    if task.state != "planned" or last is None or last[0] != POSTPONED:
        return None
    still = datetime.fromisoformat(last[2]) == task.due_at > now
    return datetime.fromisoformat(last[1]) if still else None


def record_tap(task: SopTask, now: datetime, *, again: bool = False) -> None:
    """Take the one tap that sends this task's words; a second one within TAP_HOLDS is refused unless `again`."""
    _check_open(task)
    if task.tapped_at is not None and now - task.tapped_at < TAP_HOLDS and not again:
        raise AnswerRefusedError(TAPPED)
    task.tapped_at = now


def _check_open(task: SopTask) -> None:
    if task.state not in OPEN_STATES:
        raise AnswerRefusedError(SETTLED)
