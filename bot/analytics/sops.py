"""Report on SOPs: what became of each step, and how often each wording that was really sent was answered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.analytics.cohorts import moved_on
from bot.analytics.table import ReportScope, ReportTable, share
from bot.platform.config.settings import Settings
from bot.platform.models import SopEnrolment, SopTask
from sop.intervals import wilson


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """Steps, then wordings."""
    return [_steps(session, settings, scope), _wordings(session, settings, scope)]


def _cohort(scope: ReportScope) -> Any:
    return and_(scope.holds(SopTask.due_at), scope.task())


def _steps(session: Session, settings: Settings, scope: ReportScope) -> ReportTable:
    query = (
        select(
            SopEnrolment.sop_id,
            SopTask.step,
            func.count(),
            func.count(SopTask.delivered_at),
            func.count(SopTask.completed_at),
            func.count(SopTask.replied_at),
            func.sum(case((moved_on(), 1), else_=0)),
            func.sum(case((SopTask.state.in_(("expired", "cancelled", "failed")), 1), else_=0)),
        )
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(_cohort(scope))
        .group_by(SopEnrolment.sop_id, SopTask.step)
        .order_by(SopEnrolment.sop_id, SopTask.step)
    )
    rows: list[list[Any]] = []
    for sop_id, step, planned, delivered, sent, replied, moves, ended in session.execute(query):
        rows.append(
            [_title(settings, sop_id), step + 1, planned, delivered, sent, share(sent, delivered), replied,
             share(replied, sent), moves, ended]
        )  # fmt: skip
    return ReportTable(
        name="steps",
        title="每一步",
        says=(
            "应在这段时间里提醒的任务：计划了多少、卡片送到了多少、存档证实发出了多少、之后客户在回复期限内回复了多少、"
            "发出后在回复期限内又往前走了多少；「结束未发」是过期、取消或失败的。"
        ),
        columns=[
            ("SOP", "text"), ("第几步", "number"), ("计划", "number"), ("送到", "number"), ("发出", "number"),
            ("发出率", "share"), ("回复", "number"), ("回复率", "share"), ("之后移动", "number"),
            ("结束未发", "number"),
        ],
        rows=rows,
        chart={"kind": "stairs", "columns": [2, 3, 4, 6], "label": [0, 1]},
        keys=(1,),
    )  # fmt: skip


def _wordings(session: Session, settings: Settings, scope: ReportScope) -> ReportTable:
    counted = or_(SopTask.replied_at.is_not(None), SopTask.window_closed_at.is_not(None))
    query = (
        select(
            SopEnrolment.sop_id, SopTask.step, SopTask.variant, SopTask.wording, func.count(),
            func.count(SopTask.replied_at),
        )
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(_cohort(scope), SopTask.completed_at.is_not(None), counted)
        .group_by(SopEnrolment.sop_id, SopTask.step, SopTask.variant, SopTask.wording)
        .order_by(SopEnrolment.sop_id, SopTask.step, SopTask.variant)
    )  # fmt: skip
    rows: list[list[Any]] = [
        [
            _title(settings, sop_id),
            step + 1,
            wording,
            sent,
            replied,
            share(replied, sent),
            list(wilson(replied, sent)),
        ]
        for sop_id, step, _variant, wording, sent, replied in session.execute(query)
    ]
    return ReportTable(
        name="wordings",
        title="每种话术",
        says="存档证实发出、且回复期限已过（或已回复）的任务，按话术分开；区间是 95% 置信区间，重叠时不要下结论。",
        columns=[
            ("SOP", "text"), ("第几步", "number"), ("话术", "text"), ("发出", "number"), ("回复", "number"),
            ("回复率", "share"), ("区间", "interval"),
        ],
        rows=rows,
        keys=(1,),
    )  # fmt: skip


def _title(settings: Settings, sop_id: str) -> str:
    sop = settings.sops.get(sop_id)
    return (sop.title if sop else None) or sop_id
