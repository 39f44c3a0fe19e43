"""Own reminders: tells agents at the time they named what they wanted to be reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from bot.agents.reading import Reader, readable
from bot.agents.reminders import Reminder
from bot.platform.models import Outbox, OwnFollowUp
from bot.platform.work import About, Work
from sop.quotes import quoted

KIND = "own_follow_up"


def remind_of_own(work: Work, limit: int = 500) -> int:
    """Put out the reminders whose time has come, one message for all of an agent's; returns how many came due."""
    rows = work.session.scalars(_due(work.now, limit)).all()
    together: dict[int, list[OwnFollowUp]] = {}
    for row in rows:
        row.told_at = work.now
        together.setdefault(row.agent_id, []).append(row)
    for agent_id, theirs in together.items():
        ids = [row.id for row in theirs]
        key = f"{KIND}:{agent_id}:{work.now.isoformat()}"
        work.send(KIND, key, {"to": "agent", "follow_up_ids": ids}, About(agent_id=agent_id))
    return len(rows)


def _due(now: datetime, limit: int) -> Any:
    return (
        select(OwnFollowUp)
        .where(OwnFollowUp.state == "open", OwnFollowUp.told_at.is_(None), OwnFollowUp.due_at <= now)
        .order_by(OwnFollowUp.due_at, OwnFollowUp.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


class RemindOfOwn(Reminder):
    """Reminds at the hour that the agent named, be it after work; of what is still open when it leaves."""

    keeps_hours = False
    settled = "都已经做完了"
    unnamed = "{agent} 有 {n} 件自己记下的事"

    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[OwnFollowUp]:
        query = (
            select(OwnFollowUp)
            .options(joinedload(OwnFollowUp.customer))
            .where(OwnFollowUp.id.in_(row.payload["follow_up_ids"]), OwnFollowUp.state == "open")
            .where(readable(reader, OwnFollowUp.customer_id))
            .order_by(OwnFollowUp.due_at, OwnFollowUp.id)
        )
        return work.session.scalars(query).all()

    def words(self, work: Work, listed: Sequence[OwnFollowUp], about: str) -> str:
        return _words(listed)


def _who(row: OwnFollowUp) -> str:
    return row.customer.name or "新客户"


def _words(rows: Sequence[OwnFollowUp]) -> str:
    name = rows[0].customer.name or "客户名"
    lines = [f"{_who(row)}：{row.words or '跟进一下'}{quoted(row.customer.last_words, 20)}" for row in rows]
    return "\n".join(["您要记得的：", *lines, f"做好了回复「完成 {name}」，晚点再说回复「推迟 {name} 1小时后」"])
