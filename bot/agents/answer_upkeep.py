"""Answer upkeep: what customers asked lately that no answer fits, and answers that our people contradict since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.wording_edits import names_of
from bot.platform.models import Agent, Message, OpenQuestion
from bot.platform.work import Work
from sop.answers import in_force
from taggers.answer_gaps import AnswerGap, UnfitQuestion, contradicted, find_gaps
from taggers.fold import fold
from taggers.reusable import Names, reusable

LOOKED_BACK = timedelta(days=90)
_MOST = 1_500
_SHORTEST = 3


@dataclass(frozen=True)
class Contradiction:
    """An answer that names a number of something where customers were told another."""

    answer: str
    title: str
    unit: str
    written: str
    told: str
    customers: int


@dataclass(frozen=True)
class Upkeep:
    """asked: how many questions of customers were looked at; covered: how many of these an answer in force fits."""

    asked: int
    covered: int
    gaps: Sequence[AnswerGap]
    contradictions: Sequence[Contradiction]


def upkeep_of(work: Work) -> Upkeep:
    """Look at the newest questions; five queries."""
    rows = work.session.execute(_questions(work)).all()
    answers = _answers(work.session, [row.answer_message_id for row in rows if row.answer_message_id])
    allowed = _in_force(work)
    unfit, fitting = [], defaultdict(list)
    for row in rows:
        fits = work.settings.answer_book.find(row.words, allowed) if allowed else []
        if fits:
            fitting[fits[0].key].append((row.customer_id, answers.get(row.answer_message_id, "")))
        else:
            unfit.append(row)
    least = work.settings.tables.suggestions.customers
    gaps = find_gaps(_showable(work.session, unfit, answers), work.settings.likeness, least)
    return Upkeep(len(rows), len(rows) - len(unfit), gaps, _contradictions(work, fitting, least))


def _questions(work: Work) -> Any:
    row = OpenQuestion
    return (
        select(row.customer_id, row.agent_id, row.words, row.answer_message_id)
        .where(row.asked_at > work.now - LOOKED_BACK, row.withdrawn_at.is_(None))
        .order_by(row.id.desc())
        .limit(_MOST)
    )


def _in_force(work: Work) -> set[str]:
    today = work.settings.calendar.local(work.now).date()
    return {entry.id for entry in work.settings.tables.answers if in_force(entry, today)}


def _answers(session: Session, ids: Sequence[int]) -> dict[int | None, str]:
    found: dict[int | None, str] = {}
    for start in range(0, len(ids), 400):
        some = Message.id.in_(ids[start : start + 400]), Message.kind == "text", Message.revoked_at.is_(None)
        rows = session.execute(select(Message.id, Message.text).where(*some))
        found.update((row.id, row.text) for row in rows)
    return found


def _showable(session: Session, rows: Collection[Any], answers: dict[int | None, str]) -> list[UnfitQuestion]:
    """The questions with how they may be put before others, and what they were answered."""
    if not rows:
        return []
    own, everybody = names_of(session)
    agents = {agent.id: agent.shown_name for agent in session.scalars(select(Agent))}
    secret = Names({*everybody, *(fold(name) for name in agents.values() if len(name) > 1)})
    made = []
    for row in rows:
        names, agent = own.get(row.customer_id, set()), {agents.get(row.agent_id, "")}
        shown = reusable(row.words, names, agent, secret, shortest=_SHORTEST)
        answer = reusable(answers.get(row.answer_message_id, ""), names, agent, secret)
        made.append(UnfitQuestion(row.words, row.customer_id, None if shown and "{" in shown else shown, answer))
    return made


def _contradictions(work: Work, fitting: dict[str, list[tuple[int, str]]], least: int) -> list[Contradiction]:
    found = []
    for key, said in fitting.items():
        entry = work.settings.answers[key]
        for unit, (written, told, customers) in contradicted(entry.say, said, least).items():
            found.append(Contradiction(key, entry.ask[0], unit, written, told, customers))
    return found
