"""Owed: has each message of a single chat looked at for what it promises, asks, shows to be kept, or answers."""

from __future__ import annotations

from datetime import datetime

from bot.customers import open_questions, promises
from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.customers.talk import came_late, is_automatic, spoken
from bot.platform.models import Agent
from bot.platform.work import Work


def hear_customer(work: Work, state: CustomerState, agent: Agent | None, message: AnyMessage) -> None:
    """What a customer will do, and what they ask; before the message is noted as their last."""
    if message.roomid:
        return
    said, late = spoken(message, agent.id if agent is not None else None), came_late(state, message)
    promises.hear_promises(work, state, said, late=late)
    open_questions.hear_question(work, state, said, late=late)


def hear_agent(work: Work, state: CustomerState, agent: Agent, message: AnyMessage, *, by_mass: bool) -> None:
    """What one of our people promises, and what their message settles; before it is noted as the last."""
    if message.roomid or is_automatic(work.settings, message, by_mass=by_mass):
        return
    said, late = spoken(message, agent.id), came_late(state, message)
    promises.hear_promises(work, state, said, late=late)
    open_questions.hear_answer(work, state, said, late=late)


def withdraw_owed(work: Work, msgid: str, at: datetime, state: CustomerState | None) -> None:
    """Let fall what stood in a message that its sender took back, and what it had settled."""
    promises.withdraw_promises(work, msgid, at)
    open_questions.withdraw_questions(work, msgid, at)
    if state is not None:
        promises.look_again(work, state)
        open_questions.look_again(work, state)


def settle_owed(work: Work) -> None:
    """Tell what only whole talks can tell, at the end of a batch."""
    promises.judge_again(work)
    open_questions.ask_again(work)
