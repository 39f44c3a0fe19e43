"""A team's week in a few figures, cheap enough to be counted where a card is made."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.analytics.table import ReportScope
from bot.platform.config.settings import Settings
from bot.platform.models import Follow, SopTask, StageMove


@dataclass(frozen=True)
class WeekFigures:
    """new: contacts made; moves, and of these to stages won and lost; prompts delivered, sent, answered."""

    new: int
    moves: int
    won: int
    lost: int
    delivered: int
    sent: int
    replied: int


def week_figures(session: Session, settings: Settings, scope: ReportScope) -> WeekFigures:
    """The figures of a period."""
    new = select(func.count()).select_from(Follow).where(scope.holds(Follow.added_at), scope.agent(Follow.agent_id))
    moves = (
        select(StageMove.pipeline, StageMove.to_stage, func.count())
        .where(scope.holds(StageMove.moved_at), scope.customers(StageMove.customer_id), StageMove.cause != "undo")
        .group_by(StageMove.pipeline, StageMove.to_stage)
    )
    counted = {(pipeline, stage): count for pipeline, stage, count in session.execute(moves)}
    stages = [(pipeline.name, stage) for pipeline in settings.pipelines for stage in pipeline.stages]
    tasks = select(
        func.count(SopTask.delivered_at), func.count(SopTask.completed_at), func.count(SopTask.replied_at)
    ).where(scope.holds(SopTask.delivered_at), scope.task())
    delivered, sent, replied = session.execute(tasks).one()
    return WeekFigures(
        new=session.scalar(new) or 0,
        moves=sum(counted.values()),
        won=sum(counted.get((name, stage.name), 0) for name, stage in stages if stage.won),
        lost=sum(counted.get((name, stage.name), 0) for name, stage in stages if stage.lost),
        delivered=delivered,
        sent=sent,
        replied=replied,
    )
