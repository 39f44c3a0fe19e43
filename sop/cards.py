"""Cards on agents' phones: the words that close one whose step has ended, and which of a customer's steps is open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

CODE_LIVES = timedelta(hours=72)  # so long after sending a card WeCom lets the app change it
LOOK_AGAIN = timedelta(minutes=30)  # a step that waits for another one to be done looks again after this
SENT, POSTPONED, EXPIRED, HANDED_OVER, OVERTAKEN, ANSWER_FIRST = (
    "员工已经发送",
    "员工推迟",
    "员工未在有效期内发送",
    "客户已交给别的员工",
    "下一步已经到了，这一步不用再发",
    "客户正等着答复，先答复",
)
ERASED = "客户资料已删除"
HELD_BACK, MISSED_DAY = "这份跟进暂停了", "跟进暂停期间，日子已经过了"
_LABELS = {
    SENT: "已发送",
    POSTPONED: "已推迟",
    EXPIRED: "已过期",
    OVERTAKEN: "已由下一步代替",
    ANSWER_FIRST: "稍后再提醒",
}
_LONGEST = 20
_SILENT = (POSTPONED, ANSWER_FIRST)  # the agent did it themselves, or is prompted again

Deed = Literal["overtake", "put-off", "wait"]


def closing_label(why: str) -> str:
    """What stands on the buttons of a closed card: why its step needs no answer any more."""
    label = _LABELS.get(why) or why.strip() or "不用再发"
    return label if len(label) <= _LONGEST else label[: _LONGEST - 1] + "…"


def closing_word(customer: str, why: str) -> str:
    """The message to an agent whose card cannot be changed any more; empty where none is called for."""
    return "" if why in _SILENT else f"「{customer or '新客户'}」之前的一条提醒不用再处理了：{closing_label(why)}"


def can_change(sent_at: datetime, now: datetime) -> bool:
    """Whether WeCom still lets the app change a card sent at `sent_at`."""
    return now - sent_at < CODE_LIVES


@dataclass(frozen=True, slots=True)
class CustomerStep:
    """A step of a customer beside another one. sent: its card is on the phone. urgent: the customer waits for it, and
    it was never prompted before."""

    enrolment: int
    step: int
    priority: int = 5
    urgent: bool = False
    sent: bool = False


def beside(coming: CustomerStep, unfinished: CustomerStep) -> Deed:
    """What becomes of a due step while another of the same customer is open, of which there is to be one at a time.

    overtake: it takes the place of an earlier step of the same SOP. put-off: the other one comes again later, since
    the customer waits for this one. wait: this one looks again later, or once the other one is done.
    """
    if coming.enrolment == unfinished.enrolment:
        return "overtake" if unfinished.sent and coming.step > unfinished.step else "wait"
    first = coming.urgent and (unfinished.sent or coming.priority > unfinished.priority)
    return "put-off" if first else "wait"
