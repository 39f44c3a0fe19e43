"""Open questions: keeps what customers ask in single chats until an answer touches it, as the talk was held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.owed_rows import read_lately, read_open
from bot.customers.state import CustomerState
from bot.customers.talk import Spoken, read_talks
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Message, OpenQuestion
from bot.platform.work import Work
from taggers.open_questions import Question, Turn, is_answered, nearness, questions

LOOKED_BACK = timedelta(days=30)  # an older question is answered by nothing that is said
_MOST_WORDS = 200


def hear_question(work: Work, state: CustomerState, message: Spoken, *, late: bool) -> None:
    """Keep what a customer asks; what they asked the same agent before is not their newest question any more."""
    if message.kind != "text" or message.agent_id is None:
        return
    fresh = [_row(state, message, asked) for asked in questions(message.text, work.settings.closings)]
    if not fresh:
        return
    if late:
        look_again(work, state)
    else:
        _outdate(_open_questions(work.session, state), fresh[0])
    work.session.add_all(fresh)
    if state.questions is not None:
        state.questions += fresh


def hear_answer(work: Work, state: CustomerState, message: Spoken, *, late: bool) -> None:
    """Close the questions that a message of our people answers."""
    if late:
        look_again(work, state)
        return
    for row in _open_questions(work.session, state):
        if row.closed_at is None:
            _touch(work, row, message)


def look_again(work: Work, state: CustomerState) -> None:
    """Have the questions of a customer told from the whole talk, once all of the batch is stored."""
    if work.batch is not None:
        work.batch.ask_again.add(state.customer.id)


def withdraw_questions(work: Work, msgid: str, at: datetime) -> None:
    """Let fall what was asked in a message that its sender took back."""
    message = select(Message.id).where(Message.msgid == msgid).scalar_subquery()
    for row in work.session.scalars(select(OpenQuestion).where(OpenQuestion.message_id == message)):
        row.withdrawn_at = row.withdrawn_at or at
        settle_row(row)


def ask_again(work: Work) -> None:
    """Tell which questions are open where only the whole talk can, by a few queries for all of their customers."""
    customers = sorted(work.batch.ask_again) if work.batch is not None else []
    if not customers:
        return
    write_rows(work.session)
    rows = read_lately(work.session, OpenQuestion, OpenQuestion.asked_at, customers, work.now - LOOKED_BACK)
    if not rows:
        return
    since = min(row.asked_at for row in rows)
    talks = read_talks(work.session, work.settings, sorted({row.customer_id for row in rows}), since)
    for customer, talk in talks.items():
        _replay(work, [row for row in rows if row.customer_id == customer], talk)


def settle_row(row: OpenQuestion) -> None:
    """Close a question for the first reason there is, or open it again."""
    row.closed_at = row.withdrawn_at or row.settled_at or row.answered_at


def _replay(work: Work, rows: Sequence[OpenQuestion], talk: Iterable[Spoken]) -> None:
    """Let the talk be held once more, from the first of these questions on."""
    asked: dict[int, list[OpenQuestion]] = {}
    for row in rows:
        row.newest, row.nearest, row.answered_at, row.answer_message_id = True, 0, None, None
        settle_row(row)
        if row.withdrawn_at is None:
            asked.setdefault(row.message_id, []).append(row)
    waiting: list[OpenQuestion] = []
    for message in talk:
        if message.id in asked:
            fresh = asked[message.id]
            _outdate(waiting, fresh[0])
            waiting += fresh
        elif message.by == "agent":
            for row in waiting:
                if row.closed_at is None:
                    _touch(work, row, message)


def _row(state: CustomerState, message: Spoken, asked: Question) -> OpenQuestion:
    return OpenQuestion(
        customer_id=state.customer.id, agent_id=message.agent_id, message_id=message.id, msgid=message.msgid,
        asked_at=message.at, start=asked.start, words=asked.words[:_MOST_WORDS], topic=sorted(asked.topic),
        expects=sorted(asked.expects), newest=True, nearest=0, settled_by="",
    )  # fmt: skip


def _outdate(rows: Iterable[OpenQuestion], by: OpenQuestion) -> None:
    for row in rows:
        if row.agent_id == by.agent_id and row.closed_at is None:
            row.newest = False


def _touch(work: Work, row: OpenQuestion, message: Spoken) -> None:
    """Note how near an answer comes; in the talk with a colleague only what shares its topic counts."""
    newest = row.newest and row.agent_id == message.agent_id
    asked = Question(row.words, frozenset(row.topic), frozenset(row.expects), row.start)
    near = nearness(asked, Turn("agent", message.text, message.kind), newest=newest, closings=work.settings.closings)
    row.nearest = max(row.nearest, round(near * 100))
    if is_answered(near, newest=newest):
        row.answered_at, row.answer_message_id = message.at, message.id
        settle_row(row)


def _open_questions(session: Session, state: CustomerState) -> list[OpenQuestion]:
    found: list[OpenQuestion] = read_open(session, state, OpenQuestion, "questions")
    return found
