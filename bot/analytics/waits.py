"""Report on waiting: how long customers waited for an answer in working time, by agent, hour and weekday."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.analytics.table import CellKind, ReportScope, ReportTable, median_seconds, percentile_90
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Message, SopTask
from sop.reply_clock import Said, Word, answers
from sop.working_time import worked
from taggers import spoken

_BEFORE = timedelta(days=3)  # read as well, so that a wait that began before the period is not counted in it
_DAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_COUNTED: list[tuple[str, CellKind]] = [
    ("问了", "number"), ("回了", "number"), ("没回", "number"), ("首次回复中位", "seconds"),
    ("后续回复中位", "seconds"), ("九成快于", "seconds"),
]  # fmt: skip
_SAYS = (
    "这段时间里单聊中 {n} 次要人回的话，算在被问的员工名下，没回的也在内；从客户开口到有人（同事也算）真正回复，"
    "只算工作时间。欢迎语、群发、表情不算回复，「好的、谢谢」不算提问。"
)


@dataclass(frozen=True)
class Waited:
    """A wait of the period: whom it was asked, when (local), how long it took in working time, and by whom it ended.

    length is None where nobody answered. first: the first of a conversation that began in the period.
    """

    agent_id: int
    at: datetime
    length: timedelta | None
    by: int | None
    first: bool
    customer_id: int = 0


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """By agent, by hour, by weekday."""
    names = {row.id: row.name or row.userid for row in session.execute(select(Agent.id, Agent.name, Agent.userid))}
    found = list(read_waits(session, settings, scope))
    return [
        _by_agent(found, names),
        _table(
            "waits-hours", "几点问的", ("几点", "text"), _grouped(found, lambda one: f"{one.at.hour:02}:00"), found
        ),
        _table("waits-days", "周几问的", ("周几", "word"), _by_weekday(found), found),
    ]


def _by_agent(found: Sequence[Waited], names: dict[int, str]) -> ReportTable:
    rows = [[names.get(agent_id, str(agent_id)), *_figures(some), sum(one.by not in (None, agent_id) for one in some)]
            for agent_id, some in _groups(found, lambda one: one.agent_id)]  # fmt: skip
    rows.sort(key=lambda row: (-row[1], row[0]))
    table = _table("waits-agents", "谁让客户等了", ("员工", "text"), rows, found)
    table.columns.append(("同事代回", "number"))
    return table


def _by_weekday(found: Sequence[Waited]) -> list[list[Any]]:
    return [[_DAYS[day], *_figures(some)] for day, some in _groups(found, lambda one: one.at.weekday())]


def _grouped(found: Sequence[Waited], key: Callable[[Waited], str]) -> list[list[Any]]:
    return [[name, *_figures(some)] for name, some in _groups(found, key)]


def _groups(found: Sequence[Waited], key: Callable[[Waited], Any]) -> Iterator[tuple[Any, list[Waited]]]:
    for name, some in groupby(sorted(found, key=key), key=key):
        yield name, list(some)


def _table(
    name: str, title: str, first: tuple[str, CellKind], rows: list[list[Any]], found: Sequence[Waited]
) -> ReportTable:
    return ReportTable(
        name=name,
        title=title,
        says=_SAYS,
        columns=[first, *_COUNTED],
        rows=rows,
        chart={"kind": "bars", "columns": [5], "most": 24},
        values={"n": len(found)},
    )


def _figures(some: Sequence[Waited]) -> list[Any]:
    lengths = [one.length for one in some if one.length is not None]
    first = [one.length for one in some if one.first and one.length is not None]
    further = [one.length for one in some if not one.first and one.length is not None]
    return [
        len(some), len(lengths), len(some) - len(lengths), median_seconds(first), median_seconds(further),
        percentile_90(lengths),
    ]  # fmt: skip


def read_waits(session: Session, settings: Settings, scope: ReportScope) -> Iterator[Waited]:
    """Every wait that began in the period, of the conversations with the agents whose customers are counted."""
    calendar = settings.calendar
    mass = frozenset(session.scalars(select(SopTask.sent_msgid).where(SopTask.outcome == "group-send")))
    began = _beginnings(session, scope)
    for (customer_id, agent_id), words in _conversations(session, settings, scope, mass):
        new = began.get((customer_id, agent_id), scope.since) >= scope.since
        for asked in answers(words):
            if asked.at >= scope.since:
                length = worked(calendar, asked.at, asked.answered) if asked.answered is not None else None
                by = int(asked.by) if asked.by else None
                yield Waited(agent_id, calendar.local(asked.at), length, by, new and asked.first, customer_id)


_Talk = tuple[tuple[int, int], list[tuple[Word, str]]]


def _conversations(session: Session, settings: Settings, scope: ReportScope, mass: frozenset[Any]) -> Iterator[_Talk]:
    """What was said between each customer and each agent whom they asked; answers of colleagues are in each."""

    welcome = settings.tables.welcome.say if settings.tables.welcome is not None else None

    @lru_cache(maxsize=50_000)
    def said(role: str, kind: str, text: str) -> Said:
        if role == "agent":
            return spoken.agent_spoke(kind, text, welcome)
        return spoken.customer_spoke(kind, text, settings.closings)

    rows = session.execute(_messages(scope).execution_options(yield_per=5000))
    for customer_id, messages in groupby(rows, key=lambda row: row.customer_id):
        talk = list(messages)
        asked = {row.agent_id for row in talk if row.role == "customer" and row.agent_id is not None}
        words = [
            (row, Word(row.sent_at, row.msgid, "other" if row.msgid in mass else said(row.role, row.kind, row.text)))
            for row in talk
        ]
        for agent_id in sorted(asked if scope.agents is None else asked & scope.agents):
            theirs = [
                (word, str(row.agent_id or ""))
                for row, word in words
                if row.role == "agent" or row.agent_id == agent_id
            ]
            yield (customer_id, agent_id), theirs


def _messages(scope: ReportScope) -> Any:
    return (
        select(
            Message.customer_id, Message.agent_id, Message.role, Message.kind, Message.text, Message.sent_at,
            Message.msgid,
        )
        .where(
            Message.customer_id.is_not(None), Message.roomid == "", Message.action == "send",
            Message.role.in_(("customer", "agent")), Message.unagreed.is_(False), Message.revoked_at.is_(None),
            Message.sent_at >= scope.since - _BEFORE, Message.sent_at < scope.until,
            scope.customers(Message.customer_id),
        )
        .order_by(Message.customer_id, Message.sent_at, Message.id)
    )  # fmt: skip


def _beginnings(session: Session, scope: ReportScope) -> dict[Hashable, datetime]:
    """When a customer first spoke to an agent, of those who spoke in the period."""
    theirs = Message.role == "customer", Message.roomid == ""
    spoke = select(Message.customer_id).where(
        *theirs, scope.holds(Message.sent_at), scope.customers(Message.customer_id)
    )
    query = (
        select(Message.customer_id, Message.agent_id, func.min(Message.sent_at))
        .where(*theirs, Message.customer_id.in_(spoke))
        .group_by(Message.customer_id, Message.agent_id)
    )
    return {(customer_id, agent_id): at for customer_id, agent_id, at in session.execute(query)}
