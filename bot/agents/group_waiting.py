"""Waiting groups: tells the owner of a group, once, of a question there that no colleague answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from bot.agents.reading import Reader, may_read
from bot.agents.reminders import Reminder
from bot.platform.models import Agent, GroupChat, Message, Outbox
from bot.platform.work import About, Work
from bot.sops.gate import last_told
from sop.quotes import quoted
from sop.reply_clock import HALF_HOUR, alarm_in_group, threshold
from sop.working_time import told_length

KIND = "group_waiting"


def remind_group_owners(work: Work, limit: int = 200) -> int:
    """Put out the reminders whose time has come, one message for all of an owner's groups; returns how many were
    seen."""
    if not work.settings.tables.waiting:
        return 0
    groups = work.session.scalars(_to_look_at(work.now, limit)).all()
    if not groups:
        return 0
    owners = _owners(work, groups)
    told = last_told(work.session, {one.id for one in owners.values()}, work.now - HALF_HOUR, (KIND,))
    together: dict[int, list[GroupChat]] = {}
    for group in groups:
        owner = owners.get(group.owner.casefold())
        if owner is not None and _look(work, group, told.get(owner.id)):
            together.setdefault(owner.id, []).append(group)
        elif owner is None:
            group.waiting_look_at = None  # nobody of ours owns it, or not any more
    for agent_id, theirs in together.items():
        payload = {"to": "agent", "group_ids": [group.id for group in theirs]}
        work.send(KIND, f"{KIND}:{agent_id}:{work.now.isoformat()}", payload, About(agent_id=agent_id))
    return len(groups)


def _to_look_at(now: datetime, limit: int) -> Any:
    return (
        select(GroupChat)
        .where(GroupChat.waiting_look_at.is_not(None), GroupChat.waiting_look_at <= now)
        .order_by(GroupChat.waiting_look_at, GroupChat.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _owners(work: Work, groups: Sequence[GroupChat]) -> dict[str, Agent]:
    keys = {group.owner.casefold() for group in groups if group.owner}
    found = select(Agent).where(Agent.key.in_(keys), Agent.left_at.is_(None))
    return {agent.key: agent for agent in work.session.scalars(found)}


def _look(work: Work, group: GroupChat, last: datetime | None) -> bool:
    """Whether the owner is told now; else when it is looked at again, if at all."""
    at = _due(work, group)
    if at is not None and last is not None:
        at = max(at, last + HALF_HOUR)
    calendar = work.settings.calendar
    if at is not None and (at > work.now or calendar.shifts(work.now)):
        group.waiting_look_at = max(at, calendar.next_slot(work.now))
        return False
    group.waiting_look_at = None
    if at is not None:
        group.waiting_told_at = work.now
    return at is not None


def _due(work: Work, group: GroupChat) -> datetime | None:
    table = threshold(work.settings.tables.waiting, ())
    waits = group.waiting_since is not None and group.waiting_told_at is None
    if table is None or not waits or group.waiting_since is None or group.dismissed_at is not None:
        return None
    return alarm_in_group(group.waiting_since, table, work.settings.calendar)


class RemindGroupOwner(Reminder):
    """Tells of the groups where a question still waits when it leaves."""

    settled = "都已经有人回复了"
    unnamed = "{agent} 的 {n} 个群里有人在等回复"

    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[tuple[GroupChat, str]]:
        query = select(GroupChat).where(
            GroupChat.id.in_(row.payload["group_ids"]),
            GroupChat.waiting_since.is_not(None),
            GroupChat.dismissed_at.is_(None),
        )
        groups = work.session.scalars(query.order_by(GroupChat.waiting_since, GroupChat.id)).all()
        asked = _first_words(work, groups, reader)
        return [(group, asked.get(group.id, "")) for group in groups]

    def words(self, work: Work, listed: Sequence[tuple[GroupChat, str]], about: str) -> str:
        return "\n".join(["您的群里有人在等回复：", *(_line(work, group, words) for group, words in listed)])


def _line(work: Work, group: GroupChat, words: str) -> str:
    waited = told_length(work.settings.calendar, group.waiting_since or work.now, work.now)
    return f"「{group.name or '没有名字的群'}」等了 {waited}{quoted(words, 40)}"


def _first_words(work: Work, groups: Sequence[GroupChat], reader: Reader) -> Mapping[int, str]:
    """What was asked first, of customers about whom the owner may read."""
    msgids = {group.clock["first"][1]: group.id for group in groups if group.clock.get("first")}
    query = select(Message).where(Message.msgid.in_(msgids), Message.revoked_at.is_(None))
    return {
        msgids[one.msgid]: one.text
        for one in work.session.scalars(query)
        if one.customer_id is not None and may_read(work.session, reader, one.customer_id)
    }
