"""Kept clock: a reply clock as it lies in the row of a contact or of a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.customers.new_message import AnyMessage
from bot.platform.config.settings import Settings
from bot.platform.models import Follow, GroupChat
from sop.reply_clock import Point, Said, Wait
from taggers import spoken


def kept(row: Follow | GroupChat) -> Wait:
    """The clock as it was kept."""
    points = row.clock or {}
    return Wait(*(_point(points.get(name)) for name in ("first", "last", "answered")))


def _point(point: Sequence[str] | None) -> Point | None:
    return (datetime.fromisoformat(point[0]), point[1]) if point else None


def keep(row: Follow | GroupChat, wait: Wait) -> bool:
    """Keep a clock; returns whether it is another wait: one that begins, ends or begins earlier."""
    points = {"first": wait.first, "last": wait.last, "answered": wait.answered}
    row.clock = {name: [point[0].isoformat(), point[1]] for name, point in points.items() if point is not None}
    if row.waiting_since == wait.since:
        return False
    row.waiting_since = row.waiting_look_at = wait.since
    return True


def said_by(settings: Settings, message: AnyMessage, *, by_mass: bool = False) -> Said:
    """What a message is to the clock; a mass message answers nobody."""
    if message.role != "agent":
        return spoken.customer_spoke(message.kind, message.text, settings.closings)
    welcome = settings.tables.welcome
    return "other" if by_mass else spoken.agent_spoke(message.kind, message.text, welcome.say if welcome else None)
