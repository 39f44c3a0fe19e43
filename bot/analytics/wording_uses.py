"""Wording uses: counts what became of each wording that agents were offered or sent, by the archive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.analytics.cohorts import moved_on
from bot.platform.models import SopEnrolment, SopTask, StageMove, WordingOffer
from sop.wording_use import WordingUse

LOOKED_BACK = timedelta(days=180)
Uses = dict[str, WordingUse]
UsesByWording = dict[str, dict[str, WordingUse]]


def uses_of(session: Session, keys: Collection[str], now: datetime) -> Uses:
    """What became of the wordings of these keys, whatever their words were meanwhile; one query."""
    if not keys:
        return {}
    query = (
        select(WordingOffer.key, *_counts(now))
        .where(WordingOffer.key.in_(keys), WordingOffer.offered_at > now - LOOKED_BACK)
        .group_by(WordingOffer.key)
    )
    return {key: WordingUse(*counts) for key, *counts in session.execute(query)}


def offers_by_wording(session: Session, now: datetime) -> UsesByWording:
    """The same of all wordings that are no steps, each by its words as config.toml had them."""
    query = (
        select(WordingOffer.key, WordingOffer.wording, *_counts(now))
        .where(WordingOffer.offered_at > now - LOOKED_BACK)
        .group_by(WordingOffer.key, WordingOffer.wording)
    )
    return _by_wording(session, query)


def steps_by_wording(session: Session, now: datetime) -> UsesByWording:
    """What became of the steps of SOPs, as "step:sop:2" (from 0) and by their words."""
    query = (
        select(SopEnrolment.sop_id, SopTask.step, SopTask.wording, *_step_counts())
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .where(SopTask.due_at > now - LOOKED_BACK, SopTask.due_at <= now)
        .group_by(SopEnrolment.sop_id, SopTask.step, SopTask.wording)
    )
    found: UsesByWording = defaultdict(dict)
    for sop, step, wording, *counts in session.execute(query):
        found[step_key(sop, step)][wording] = WordingUse(*counts)
    return found


def step_key(sop: str, step: int) -> str:
    """The key of a step's words."""
    return f"step:{sop}:{step}"


def _by_wording(session: Session, query: Any) -> UsesByWording:
    found: UsesByWording = defaultdict(dict)
    for key, wording, *counts in session.execute(query):
        found[key][wording] = WordingUse(*counts)
    return found


def _counts(now: datetime) -> list[ColumnElement[int]]:
    """In the order of WordingUse."""
    row, sent = WordingOffer, WordingOffer.sent_at.is_not(None)
    over = sent & (row.replied_at.is_not(None) | (row.live_until < now))
    beside = row.by == "offered"
    return [
        _count(beside & or_(sent, row.live_until < now)),
        _count(beside & sent),
        _count(sent & (row.outcome == "exact")),
        _count(sent & (row.outcome == "edited")),
        _count(over),
        _count(row.replied_at.is_not(None)),
        _count(over & _moved_on()),
    ]


def _step_counts() -> list[ColumnElement[int]]:
    row, proven = SopTask, SopTask.outcome.in_(("exact", "edited", "group-send"))
    over = proven & (row.replied_at.is_not(None) | row.window_closed_at.is_not(None))
    told = row.delivered_at.is_not(None)
    return [
        _count(told & or_(proven, row.state.in_(("expired", "cancelled", "completed", "replied")))),
        _count(told & proven),
        _count(row.outcome.in_(("exact", "group-send"))),
        _count(row.outcome == "edited"),
        _count(over),
        _count(proven & row.replied_at.is_not(None)),
        _count(over & moved_on()),
    ]


def _moved_on() -> ColumnElement[bool]:
    row = WordingOffer
    move = select(StageMove.id).where(
        StageMove.customer_id == row.customer_id,
        and_(StageMove.moved_at > row.sent_at, StageMove.moved_at <= row.live_until),
        StageMove.cause != "undo",
    )
    return move.exists()


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
