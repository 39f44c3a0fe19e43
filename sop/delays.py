"""Delays: for how long an agent may put a prompt off by one tap, the same on cards, on pages and in the chat."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sop.workcalendar import Workcalendar

DELAYS = {
    "30m": "30 分钟后",
    "2h": "2 小时后",
    "tonight": "今晚 19:30",
    "tomorrow": "明天 9:00",
    "3d": "3 天后 9:00",
}
# The hours that cards offered before stand on cards that are still out.
_SPANS = {
    "30m": timedelta(minutes=30), "1h": timedelta(hours=1), "2h": timedelta(hours=2), "3h": timedelta(hours=3),
}  # fmt: skip
_DAYS = {"tonight": (0, time(19, 30)), "tomorrow": (1, time(9)), "3d": (3, time(9))}


def delayed_until(option: str, calendar: Workcalendar, now: datetime) -> datetime:
    """The instant an option means, moved on to the next slot within work hours; an unknown one means an hour.

    An evening that is past means the next morning.
    """
    if option not in _DAYS:
        return calendar.next_slot(now + _SPANS.get(option, timedelta(hours=1)))
    ahead, clock = _DAYS[option]
    day = calendar.local(now).date() + timedelta(days=ahead)
    at = calendar.instant(day, clock)
    return calendar.next_slot(at if at > now else calendar.instant(day + timedelta(days=1), calendar.opens_at))
