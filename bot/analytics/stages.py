"""Report on stages: how far new customers got, between which stages cards moved, how long they stayed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope, ReportTable, median_seconds, percentile_90, share
from bot.platform.config.settings import Settings
from bot.platform.models import Placement, StageMove, UtcDateTime
from sop.pipeline import Pipeline
from taggers.translatable import Translatable

NONE_ON_THE_ROAD = "进来的 {n} 位客户都还没走到漏斗里的阶段"


def tables(session: Session, settings: Settings, scope: ReportScope) -> list[ReportTable]:
    """Make funnel, flows and times of each pipeline, and the reasons where people are asked for them."""
    found: list[ReportTable] = []
    for number, pipeline in enumerate(settings.pipelines):
        if scope.pipeline not in ("", pipeline.name):
            continue
        found += [
            _funnel(session, pipeline, scope, number),
            _flows(session, pipeline, scope, number),
            _times(session, pipeline, scope, number),
        ]
        if any(stage.reasons for stage in pipeline.stages):
            found.append(_reasons(session, pipeline, scope, number))
    return found


def _funnel(session: Session, pipeline: Pipeline, scope: ReportScope, number: int) -> ReportTable:
    """Count who reached a stage or any later one, of those whose first move was in the period."""
    road, farthest = reached(session, pipeline, scope)
    cohort = len(farthest)
    rows: list[list[Any]] = []
    before = cohort
    for place, name in enumerate(road):
        here = sum(1 for far in farthest.values() if far >= place)
        rows.append([name, here, share(here, cohort), share(here, before)])
        before = here
    return ReportTable(
        name=f"funnel-{number}",
        title="漏斗 · {pipeline}",
        says="这段时间里第一次进入「{pipeline}」的 {n} 位客户，到现在走到了哪一步（跳过的阶段也算走过）。",
        columns=[("阶段", "text"), ("到过的客户", "number"), ("占全部", "share"), ("占上一步", "share")],
        rows=rows,
        chart={"kind": "funnel", "columns": [1]},
        values={"pipeline": pipeline.name, "n": cohort},
        nothing=NONE_ON_THE_ROAD if cohort else "这段时间里没有人进来",
    )


def reached(session: Session, pipeline: Pipeline, scope: ReportScope) -> tuple[list[str], dict[int, int]]:
    """The stages of a pipeline's road, and how far on it each customer came whose first move was in the period."""
    road = [stage.name for stage in pipeline.stages if not stage.beside and not stage.lost]
    rank = {name: place for place, name in enumerate(road)}
    came = select(StageMove.customer_id).where(
        StageMove.pipeline == pipeline.name, StageMove.serial == 1, scope.holds(StageMove.moved_at),
        scope.customers(StageMove.customer_id),
    )  # fmt: skip
    moves = select(StageMove.customer_id, StageMove.to_stage).where(
        StageMove.pipeline == pipeline.name, StageMove.customer_id.in_(came)
    )
    farthest: dict[int, int] = {}
    for customer_id, stage in session.execute(moves.execution_options(yield_per=5000)):
        farthest[customer_id] = max(farthest.get(customer_id, -1), rank.get(stage, -1))
    return road, farthest


def _flows(session: Session, pipeline: Pipeline, scope: ReportScope, number: int) -> ReportTable:
    """Count the moves from stage to stage in the period; each move once."""
    query = (
        select(StageMove.from_stage, StageMove.to_stage, func.count())
        .where(
            StageMove.pipeline == pipeline.name, scope.holds(StageMove.moved_at),
            scope.customers(StageMove.customer_id),
        )
        .group_by(StageMove.from_stage, StageMove.to_stage)
    )  # fmt: skip
    order = {stage.name: place for place, stage in enumerate(pipeline.stages)}
    last = len(order)
    found = [(before, after, count) for before, after, count in session.execute(query)]
    found.sort(key=lambda flow: (order.get(flow[0] or "", -1 if flow[0] is None else last), -flow[2]))
    rows: list[list[Any]] = [
        [before or "", after, count, "回退" if order.get(before or "", -1) > order.get(after, last) else ""]
        for before, after, count in found
    ]
    return ReportTable(
        name=f"flows-{number}",
        title="流向 · {pipeline}",
        says="这段时间里的 {n} 次移动，每次移动算一次（同一位客户可以移动多次）。从空白来的是新进来的。",
        columns=[("从", "text"), ("到", "text"), ("次数", "number"), ("方向", "word")],
        rows=rows,
        chart={"kind": "sankey", "columns": [2]},
        values={"pipeline": pipeline.name, "n": sum(flow[2] for flow in found)},
        nothing="这段时间里没有人移动过",
    )


def _times(session: Session, pipeline: Pipeline, scope: ReportScope, number: int) -> ReportTable:
    """Measure how long cards that left a stage in the period had been there, and how long the present ones have."""
    stays = (
        select(
            StageMove.to_stage.label("stage"),
            StageMove.moved_at.label("came"),
            func.lead(StageMove.moved_at, type_=UtcDateTime())
            .over(partition_by=StageMove.customer_id, order_by=StageMove.serial)
            .label("went"),
        )
        .where(StageMove.pipeline == pipeline.name, scope.customers(StageMove.customer_id))
        .subquery()
    )
    left: dict[str, list[timedelta]] = {}
    for stage, came, went in session.execute(
        select(stays.c.stage, stays.c.came, stays.c.went).where(scope.holds(stays.c.went))
    ):
        left.setdefault(stage, []).append(went - came)
    there: dict[str, list[timedelta]] = {}
    standing = select(Placement.stage, Placement.entered_at).where(
        Placement.pipeline == pipeline.name, scope.customers(Placement.customer_id)
    )
    for stage, entered_at in session.execute(standing):
        there.setdefault(stage, []).append(_age(entered_at, scope.until))
    rows = [
        [name, len(left.get(name, [])), median_seconds(left.get(name, [])), percentile_90(left.get(name, [])),
         len(there.get(name, [])), median_seconds(there.get(name, []))]
        for name in [stage.name for stage in pipeline.stages]
    ]  # fmt: skip
    return ReportTable(
        name=f"times-{number}",
        title="停留时间 · {pipeline}",
        says="「离开的」是这段时间里离开该阶段的次数和它们停留了多久；「现在在的」是此刻在该阶段的客户和已停留多久。",
        columns=[
            ("阶段", "text"), ("离开的", "number"), ("停留中位数", "seconds"), ("九成短于", "seconds"),
            ("现在在的", "number"), ("已停留中位数", "seconds"),
        ],
        rows=rows,
        chart={"kind": "bars", "columns": [2, 5]},
        values={"pipeline": pipeline.name},
        nothing="这段时间里没有人离开过哪个阶段，现在也没有人在",
        present=(4, 5),
    )  # fmt: skip


def _reasons(session: Session, pipeline: Pipeline, scope: ReportScope, number: int) -> ReportTable:
    """Count the moves in the period to stages that ask for a reason, by reason; sealed, so counted here."""
    asking = [stage.name for stage in pipeline.stages if stage.reasons]
    query = select(StageMove.to_stage, StageMove.reason).where(
        StageMove.pipeline == pipeline.name, StageMove.to_stage.in_(asking), scope.holds(StageMove.moved_at),
        scope.customers(StageMove.customer_id),
    )  # fmt: skip
    counted = Counter((stage, reason or "") for stage, reason in session.execute(query))
    totals = Counter(stage for stage, _ in counted.elements())
    rows: list[list[Any]] = [
        [stage, reason, count, share(count, totals[stage])]
        for (stage, reason), count in sorted(counted.items(), key=lambda one: (asking.index(one[0][0]), -one[1]))
    ]
    return ReportTable(
        name=f"reasons-{number}",
        title=Translatable("原因 · {pipeline}"),
        says=Translatable("这段时间里到这些阶段的 {n} 次移动，员工说是因为什么；空白是还没有人说。"),
        columns=[("阶段", "text"), ("原因", "text"), ("次数", "number"), (Translatable("占这个阶段"), "share")],
        rows=rows,
        values={"pipeline": pipeline.name, "n": sum(totals.values())},
        nothing=Translatable("这段时间里没有人到这些阶段"),
    )


def _age(since: datetime, now: datetime) -> timedelta:
    return max(now - since, timedelta(0))
