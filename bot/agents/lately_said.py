"""Lately said: the last turns of a customer's talks, and what in them still waits for words of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from bot.agents.questions import questions_of
from bot.customers.state import CustomerState
from bot.platform.models import Message
from bot.platform.work import Work
from taggers.asked import Asked, Said
from taggers.utterance import split_quote

_LATELY = timedelta(days=3)
_LOOKED_AT = 20


@dataclass(frozen=True)
class LatelySaid:
    """turns: (role, text) of single chats, the oldest first. open: questions that nobody answered, the newest first.
    last: what the customer said since our people's last words, as one text."""

    turns: Sequence[tuple[str, str]]
    open: Sequence[str]
    last: str

    @property
    def all(self) -> str:
        """All of it as one text."""
        return "\n".join(text for _, text in self.turns)


def read_lately(work: Work, state: CustomerState) -> LatelySaid:
    """Two queries."""
    query = (
        select(Message.role, Message.kind, Message.text)
        .where(
            Message.customer_id == state.customer.id,
            Message.sent_at > work.now - _LATELY,
            Message.role.in_(("customer", "agent")),
            Message.action == "send",
            Message.roomid == "",
            Message.unagreed.is_(False),
            Message.revoked_at.is_(None),
        )
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(_LOOKED_AT)
    )
    turns = [(role, _typed(text)) for role, kind, text in work.session.execute(query) if kind == "text"]
    last: list[str] = []
    for role, text in turns:
        if role != "customer":
            break
        last.append(text)
    waiting = [row.words for row in questions_of(work.session, state.customer.id, work.now)]
    return LatelySaid(turns[::-1], waiting[::-1], "\n".join(last[::-1]))


def asked_of(lately: LatelySaid) -> Asked:
    """What the customer asks now, with the talk before it, as past answers are looked for."""
    waiting = 0
    for role, _ in reversed(lately.turns):
        if role != "customer":
            break
        waiting += 1
    before = lately.turns[: len(lately.turns) - waiting]
    said = [Said("agent" if role == "agent" else "customer", text) for role, text in before]
    return Asked(lately.last, tuple(said))


def _typed(text: str) -> str:
    """What was typed, without what it quotes."""
    return "\n".join(part.text for part in split_quote(text) if part.scope == "typed")
