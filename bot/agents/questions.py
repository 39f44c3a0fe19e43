"""Open questions of the day: lists what an agent's customers asked and nobody answered, and takes 已解决."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from bot.agents.reading import Reader, readable
from bot.customers.open_questions import settle_row
from bot.platform.models import Follow, OpenQuestion
from bot.platform.work import Work
from bot.wecom.errors import BotError

LATELY = timedelta(days=14)  # what was asked before is listed no more
ANSWERED = "这个问题已经有回答了"


class QuestionSettledError(BotError):
    """A question that is settled already; the text is for people."""


def list_questions(
    session: Session, reader: Reader, agent_id: int, now: datetime, limit: int
) -> Sequence[OpenQuestion]:
    """The open questions that an agent's customers asked them lately, the longest first."""
    query = open_questions(now).where(OpenQuestion.agent_id == agent_id, readable(reader, OpenQuestion.customer_id))
    return session.scalars(query.limit(limit)).all()


def questions_of(session: Session, customer_id: int, now: datetime, limit: int = 20) -> Sequence[OpenQuestion]:
    """The open questions of one customer, the longest first."""
    return session.scalars(open_questions(now).where(OpenQuestion.customer_id == customer_id).limit(limit)).all()


def open_questions(now: datetime) -> Select[OpenQuestion]:
    """Open questions to agents who still have the customer, with the customer, the longest first."""
    has = select(Follow.id).where(
        Follow.agent_id == OpenQuestion.agent_id,
        Follow.customer_id == OpenQuestion.customer_id,
        Follow.ended_at.is_(None),
    )
    return (
        select(OpenQuestion)
        .options(joinedload(OpenQuestion.customer))
        .where(OpenQuestion.closed_at.is_(None), OpenQuestion.asked_at >= now - LATELY, has.exists())
        .order_by(OpenQuestion.asked_at, OpenQuestion.id)
    )


def settle_question(work: Work, row: OpenQuestion, who: str) -> None:
    """已解决: take a person's word that a question is answered. Raises QuestionSettledError."""
    if row.closed_at is not None:
        raise QuestionSettledError(ANSWERED)
    row.settled_by, row.settled_at = who[:80], work.now
    settle_row(row)
