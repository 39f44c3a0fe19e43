"""Cohorts of an SOP: of the customers who began it in the last 30 days, how many reached each step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from bot.platform.models import SopEnrolment, SopTask, StageMove

COHORT = timedelta(days=30)
_WAITING = ("queued", "delivered", "unknown")


@dataclass(frozen=True)
class StepFigures:
    """One step of a cohort; the states add up: planned == ahead + waiting + sent + expired + cancelled + failed.

    planned    tasks made for it
    delivered  of these, the agent received the prompt
    sent       the archive (or the agent) says it was sent
    replied    the customer answered within the reply window
    moved      sent, and the customer came to another stage within the reply window
    ahead      its hour has not come; waiting: prompted, not sent yet
    """

    planned: int = 0
    delivered: int = 0
    sent: int = 0
    replied: int = 0
    moved: int = 0
    ahead: int = 0
    waiting: int = 0
    expired: int = 0
    cancelled: int = 0
    failed: int = 0


@dataclass(frozen=True)
class SopFigures:
    """A cohort: how many times customers began in the period and how many of these are still on it, and each step."""

    began: int
    running: int
    steps: dict[int, StepFigures]


def moved_on() -> ColumnElement[bool]:
    """A condition on SopTask: it was sent, and within its reply window the customer moved on the board."""
    move = select(StageMove.id).where(
        StageMove.customer_id == SopTask.customer_id,
        StageMove.moved_at > SopTask.completed_at,
        StageMove.moved_at <= SopTask.window_until,
        StageMove.cause != "undo",
    )
    return SopTask.completed_at.is_not(None) & move.exists()


def sop_figures(session: Session, sop_id: str, now: datetime) -> SopFigures:
    """Compute the figures of one SOP's cohort, by two queries along the index of its enrolments."""
    cohort = and_(SopEnrolment.sop_id == sop_id, SopEnrolment.enrolled_at >= now - COHORT)
    running = func.count().filter(SopEnrolment.ended_at.is_(None))
    began, still = session.execute(select(func.count(), running).where(cohort)).one()
    query = (
        select(
            SopTask.step,
            func.count(),
            func.count(SopTask.delivered_at),
            _count(SopTask.state.in_(("completed", "replied"))),
            func.count(SopTask.replied_at),
            _count(moved_on()),
            _count(SopTask.state == "planned"),
            _count(SopTask.state.in_(_WAITING)),
            _count(SopTask.state == "expired"),
            _count(SopTask.state == "cancelled"),
            _count(SopTask.state == "failed"),
        )
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(cohort)
        .group_by(SopTask.step)
    )
    steps = {row[0]: StepFigures(*row[1:]) for row in session.execute(query)}
    return SopFigures(began, still, steps)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
