"""Report on agents: how fast they answer, and what they do with prompts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope, ReportTable, median_seconds, percentile_90, share
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Message, SopTask, UtcDateTime

SOON = timedelta(minutes=5)


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """Answer times, then prompts."""
    names = {row.id: row.name or row.userid for row in session.execute(select(Agent.id, Agent.name, Agent.userid))}
    return [_answers(session, settings, scope, names), _prompts(session, scope, names)]


def _answers(session: Session, settings: Settings, scope: ReportScope, names: dict[int, str]) -> ReportTable:
    waits: dict[int, list[timedelta]] = {}
    calendar = settings.calendar
    for agent_id, asked, answered in _turns(session, scope):
        waits.setdefault(agent_id, []).append(max(answered - calendar.next_slot(asked), timedelta(0)))
    rows: list[list[Any]] = [
        [names.get(agent_id, str(agent_id)), len(lengths), median_seconds(lengths), percentile_90(lengths),
         share(sum(length <= SOON for length in lengths), len(lengths))]
        for agent_id, lengths in waits.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (-row[1], row[0]))
    everyone = [length for lengths in waits.values() for length in lengths]
    return ReportTable(
        name="answers",
        title="回复快慢",
        says=(
            "这段时间里单聊中的 {n} 次「客户说了、员工接着回」：从客户开口（不在工作时间就从下一次上班）"
            "到员工回复。还没回的不在内。"
        ),
        columns=[
            ("员工", "text"), ("回复次数", "number"), ("中位数", "seconds"), ("九成快于", "seconds"),
            ("5 分钟内", "share"),
        ],
        rows=rows,
        chart={"kind": "bars", "columns": [2], "most": 20},
        values={"n": len(everyone)},
    )  # fmt: skip


def _turns(session: Session, scope: ReportScope) -> Iterator[tuple[int, datetime, datetime]]:
    """Each answer of an agent to a customer: the agent, when the customer began to wait, when the answer came."""
    said = (
        select(
            Message.customer_id, Message.agent_id, Message.role, Message.sent_at, Message.id,
            func.lag(Message.role)
            .over(partition_by=Message.customer_id, order_by=(Message.sent_at, Message.id))
            .label("before"),
        )
        .where(
            Message.customer_id.is_not(None), Message.roomid == "", Message.action == "send",
            Message.role.in_(("customer", "agent")), scope.holds(Message.sent_at),
            scope.customers(Message.customer_id),
        )
        .subquery()
    )  # fmt: skip
    turns = (
        select(
            said.c.agent_id, said.c.role, said.c.sent_at,
            func.lag(said.c.sent_at, type_=UtcDateTime()).over(
                partition_by=said.c.customer_id, order_by=(said.c.sent_at, said.c.id)
            ).label("asked"),
        )
        .where(said.c.role.is_distinct_from(said.c.before))
        .subquery()
    )  # fmt: skip
    query = select(turns.c.agent_id, turns.c.asked, turns.c.sent_at).where(
        turns.c.role == "agent", turns.c.asked.is_not(None), turns.c.agent_id.is_not(None)
    )
    for row in session.execute(query.execution_options(yield_per=5000)):
        yield row[0], row[1], row[2]


def _prompts(session: Session, scope: ReportScope, names: dict[int, str]) -> ReportTable:
    def many(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    sent = SopTask.completed_at.is_not(None)
    query = (
        select(
            SopTask.agent_id, func.count(), many(sent), many(and_(sent, SopTask.outcome == "edited")),
            many(and_(sent, SopTask.timing == "late")), many(SopTask.rejected_because.is_not(None)),
            many(and_(SopTask.state == "expired", SopTask.rejected_because.is_(None))),
            many(SopTask.state == "delivered"),
        )
        .where(scope.holds(SopTask.delivered_at), scope.task())
        .group_by(SopTask.agent_id)
    )  # fmt: skip
    rows: list[list[Any]] = [
        [names.get(row[0], str(row[0])), row[1], row[2], share(row[2], row[1]), *row[3:],
         row[1] - row[2] - row[5] - row[6] - row[7]]
        for row in session.execute(query)
    ]  # fmt: skip
    rows.sort(key=lambda row: (-row[1], row[0]))
    return ReportTable(
        name="prompts",
        title="提醒做得怎样",
        says="这段时间里送到员工手机上的提醒：发出（其中改过、晚发）、点了不合适、过期没做、还开着、其他（取消等）；加起来等于送到。",
        columns=[
            ("员工", "text"), ("送到", "number"), ("发出", "number"), ("发出率", "share"), ("其中改过", "number"),
            ("其中晚发", "number"), ("不合适", "number"), ("过期", "number"), ("还开着", "number"),
            ("其他", "number"),
        ],
        rows=rows,
        chart={"kind": "stack", "columns": [2, 6, 7, 8, 9]},
    )  # fmt: skip
