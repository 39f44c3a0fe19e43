"""Rows of the quality list: those whom the business wants first, why each is on it, and their revisits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session, joinedload

from bot.agents.revisits import KIND
from bot.customers.impressions import read_impressions
from bot.customers.people import agent_names
from bot.customers.portraits import portraits_of
from bot.platform.models import Customer, OwnFollowUp, Portrait
from bot.platform.work import Work
from bot.web.auth.access import visible_customers
from bot.web.auth.visitor import Visitor
from bot.web.customers.impression_rows import ImpressionsView, views_of
from sop.revisits import OUTCOMES
from taggers.models.portrait import Portrait as Said
from taggers.models.target import FITS, NAMED

PAGE = 30
LATELY = timedelta(days=30)
SHOWN = ("all", "wanted", "due")
_RANK = case((Portrait.target == str(NAMED), 0), (Portrait.target == str(FITS), 1), else_=2)


@dataclass(frozen=True)
class QualityRow:
    """A customer on the list. revisit: the last one, open or done; said: what the models say of them now."""

    customer: Customer
    said: Said
    agent: str
    felt: ImpressionsView
    revisit: OwnFollowUp | None


@dataclass(frozen=True)
class Visits:
    """Revisits of the last 30 days: those open, those done, and what came of them by words; untold: nobody said."""

    open: int
    done: int
    outcomes: tuple[tuple[str, int], ...]
    untold: int


def read_quality(work: Work, who: Visitor, shown: str, page: int) -> tuple[list[QualityRow], int]:
    """A page of the list, and how many there are. A fixed number of statements."""
    tests = [visible_customers(work.session, who), Portrait.listed.is_(True), *_only(shown)]
    asked = select(Customer).join(Portrait, Portrait.customer_id == Customer.id).where(*tests)
    total = work.session.scalar(select(func.count()).select_from(asked.order_by(None).subquery())) or 0
    order = (_RANK, Portrait.signs.desc(), Customer.last_word_at.desc().nulls_last(), Customer.id)
    people = work.session.scalars(asked.order_by(*order).offset(page * PAGE).limit(PAGE)).all()
    return _rows(work, who, people), total


def read_visits(session: Session, who: Visitor, now: datetime) -> Visits:
    """What became of the revisits of the last 30 days; one statement."""
    mine = OwnFollowUp.kind == KIND, OwnFollowUp.created_at > now - LATELY, OwnFollowUp.state != "dropped"
    asked = select(OwnFollowUp.state, OwnFollowUp.outcome, func.count())
    seen = asked.join(Customer, Customer.id == OwnFollowUp.customer_id).where(*mine, visible_customers(session, who))
    counts = {
        (state, outcome): number
        for state, outcome, number in session.execute(seen.group_by(OwnFollowUp.state, OwnFollowUp.outcome))
    }
    done = {outcome: number for (state, outcome), number in counts.items() if state == "done"}
    told = tuple((words, done[key]) for key, words in OUTCOMES.items() if key in done)
    opened = sum(number for (state, _), number in counts.items() if state == "open")
    return Visits(opened, sum(done.values()), told, done.get("", 0))


def _only(shown: str) -> Sequence[ColumnElement[bool]]:
    if shown == "wanted":
        return [Portrait.target.in_([str(NAMED), str(FITS)])]
    if shown == "due":
        waits = select(OwnFollowUp.customer_id).where(OwnFollowUp.kind == KIND, OwnFollowUp.state == "open")
        return [Customer.id.in_(waits)]
    return []


def _rows(work: Work, who: Visitor, people: Sequence[Customer]) -> list[QualityRow]:
    ids = [one.id for one in people]
    said, agents = portraits_of(work, ids), agent_names(work.session, ids)
    felt = views_of(work.session, read_impressions(work.session, ids), who.actor)
    visits = _visits(work.session, ids)
    return [QualityRow(one, said[one.id], agents.get(one.id, ""), felt(one.id), visits.get(one.id)) for one in people]


def _visits(session: Session, ids: Sequence[int]) -> dict[int, OwnFollowUp]:
    """By customer their last revisit that was not dropped."""
    mine = OwnFollowUp.customer_id.in_(ids), OwnFollowUp.kind == KIND, OwnFollowUp.state != "dropped"
    asked = select(OwnFollowUp).options(joinedload(OwnFollowUp.agent)).where(*mine).order_by(OwnFollowUp.id)
    return {row.customer_id: row for row in session.scalars(asked)}
