"""Group sends (企业群发): what may go that way, when to poll and remind, what WeCom's results mean."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from sop.playbook import Sop
from sop.translatable import Translatable
from sop.workcalendar import Workcalendar
from sop.workspace import Overdue

MOST_CUSTOMERS = 10_000  # WeCom's limits for one mass message
MOST_TEXT = 4000  # bytes
MOST_REMINDERS = 3  # in 24 hours
_OWN_PLACEHOLDER = re.compile(r"\{\s*customer\.")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GroupSendOutcome:
    """What a status of get_groupmsg_send_result says of one customer; `why` is for people."""

    state: Literal["waiting", "completed", "failed"]
    why: str = ""


VERDICTS = {
    0: GroupSendOutcome("waiting"),
    1: GroupSendOutcome("completed"),
    2: GroupSendOutcome("failed", "客户已不是这位员工的好友，群发没有送达"),
    3: GroupSendOutcome("failed", "客户收到的群发已到企业微信的上限，没有送达"),
}


def is_personal(wording: str) -> bool:
    """Whether a wording names the customer: one mass message says the same to all, so such a step goes by card."""
    return _OWN_PLACEHOLDER.search(wording) is not None


def channel_of(sop: Sop, wording: str) -> Literal["card", "group-send"]:
    """By which way a step with this wording reaches the customer."""
    return "group-send" if sop.channel == "group-send" and not is_personal(wording) else "card"


def check_group_sends(sops: Sequence[Sop]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What WeCom or good sense forbids of SOPs that go by mass message: (path in the config, words)."""
    for i, sop in enumerate(sops):
        for j, step in enumerate(sop.steps if sop.channel == "group-send" else ()):
            where = ("sops", i, "steps", j)
            if step.anytime:
                yield (*where, "anytime"), "群发要等员工确认，不能用于客户正等着的步骤，去掉 anytime 或改用 card"
            for k, text in enumerate(step.say):
                if (size := len(text.encode())) > MOST_TEXT:
                    at = (*where, "say", k) if len(step.say) > 1 else (*where, "say")
                    yield (
                        at,
                        Translatable(
                            "群发的文字太长：{size} 字节，企业微信最多 {most}（一个汉字占 3 字节）",
                            size=size,
                            most=MOST_TEXT,
                        ),
                    )


def personal_steps(sops: Sequence[Sop]) -> Iterator[str]:
    """A hint for every step of a mass message SOP that goes by card after all."""
    for sop in sops:
        for j, step in enumerate(sop.steps if sop.channel == "group-send" else ()):
            if any(is_personal(text) for text in step.say):
                yield Translatable(
                    "跟进「{sop}」第 {n} 步提到了客户的称呼，群发做不到，这一步改用卡片逐个提醒",
                    sop=sop.id,
                    n=j + 1,
                )


def monthly_cap(now: datetime, workdays: Workcalendar) -> int:
    """How many mass messages WeCom lets one customer get in the month of `now`: as many as it has days."""
    local = workdays.local(now)
    return calendar.monthrange(local.year, local.month)[1]


def month_start(now: datetime, workdays: Workcalendar) -> datetime:
    """The instant at which the local month of `now` began."""
    return workdays.instant(workdays.local(now).date().replace(day=1), time())


def next_poll(made_at: datetime, now: datetime) -> datetime:
    """When to ask again how it went: every 5 minutes in the first two hours, then every hour."""
    return now + (timedelta(minutes=5) if now - made_at < timedelta(hours=2) else timedelta(hours=1))


def next_reminder(
    made_at: datetime, reminded_at: Sequence[datetime], rules: Overdue, workdays: Workcalendar, expires_at: datetime
) -> datetime | None:
    """When the agent is reminded to confirm, by `remind_after` and WeCom's own limit; None if not any more."""
    if not rules.remind_after or len(reminded_at) >= rules.reminders:
        return None
    at = max([made_at, *reminded_at]) + rules.remind_after
    if len(reminded_at) >= MOST_REMINDERS:
        at = max(at, sorted(reminded_at)[-MOST_REMINDERS] + _DAY)
    at = workdays.next_slot(at)
    return at if at < expires_at else None


def wait_for_more(now: datetime, others: Iterable[datetime]) -> datetime:
    """Until when it waits for customers whose step falls into the same clock hour; now if there are none."""
    hour_ends = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return max((at for at in others if now < at < hour_ends), default=now)
