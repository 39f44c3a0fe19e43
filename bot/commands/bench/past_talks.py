"""Past talks of a benchmark: given dialogues written as messages into a new database, repeated to so many answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.commands.bench.seeded_customer import RowBatch, made_up_name
from bot.platform.models import Agent, Customer, Message
from bot.system import System
from taggers.asked import Said
from taggers.reusable import Names, reusable

_NOBODY = Names(())
AT_ONCE = 200  # customers in one transaction
SPREAD = timedelta(days=300)
_NUMBERS = re.compile(r"[0-9][0-9.:,-]*")


@dataclass(frozen=True)
class Talk:
    """One customer's talk with us. answers: how many of ours in it may be said to others."""

    number: int
    turns: Sequence[Said]
    answers: int


def many_talks(dialogues: Sequence[Sequence[Said]], answers: int) -> Iterator[Talk]:
    """The dialogues again and again, each time with words of its own, until so many answers may be said to others;
    two customers say each. Numbers are left out: they would keep an answer from being said again."""
    made, number = 0, 0
    for turn in count():
        for turns in dialogues:
            said = [_own(one, turn) for one in turns] + [Said("customer", "好的")]
            answered = usable([said])
            for _ in range(2):
                if made >= answers:
                    return
                made, number = made + answered, number + 1
                yield Talk(number, said, answered)


def usable(dialogues: Sequence[Sequence[Said]]) -> int:
    """How many answers may be said to others."""
    return sum(
        (one.by, other.by) == ("customer", "agent") and reusable(other.text, (), (), _NOBODY) is not None
        for turns in dialogues
        for one, other in pairwise(turns)
    )


def write_talks(system: System, talks: Sequence[Talk], now: datetime) -> None:
    """Write customers and their messages, oldest first."""
    for first in range(0, len(talks), AT_ONCE):
        with system.store.write() as session:
            agent, people, batch = (
                _agent(session, now),
                session.scalar(select(func.max(Customer.id))) or 0,
                RowBatch(),
            )
            for customer, talk in enumerate(talks[first : first + AT_ONCE], people + 1):
                who = f"wmBENCH{talk.number:024}"
                batch.add(Customer, id=customer, external_userid=who, name=made_up_name(talk.number), created_at=now)
                for row in _messages(talk, customer, agent, now):
                    batch.add(Message, **row)
            batch.write(session)


def _agent(session: Session, now: datetime) -> int:
    agent = session.scalars(select(Agent)).first()
    if agent is None:
        agent = Agent(key="bench", userid="Bench", name="测量员", created_at=now)
        session.add(agent)
        session.flush()
    return agent.id


def _messages(talk: Talk, customer: int, agent: int, now: datetime) -> Iterator[dict[str, Any]]:
    begun = now - SPREAD * (1 / (1 + talk.number % 97)) - timedelta(hours=2)
    for at, said in enumerate(talk.turns):
        yield {
            "msgid": f"bench-{talk.number}-{at}", "seq": talk.number * 1_000 + at, "action": "send", "kind": "text",
            "sender": said.by, "role": said.by, "roomid": "", "customer_id": customer, "agent_id": agent,
            "sent_at": begun + timedelta(seconds=20 * at), "stored_at": now, "text": said.text, "line": said.text,
            "raw": "{}", "version": None, "revokes": None, "revoked_at": None, "unagreed": False,
        }  # fmt: skip


def _own(said: Said, turn: int) -> Said:
    text = _NUMBERS.sub("若干", said.text)
    own = chr(0x4E00 + turn * 7 % 5000) + chr(0x4E00 + turn * 13 % 5000) if turn else ""
    return Said(said.by, f"{text}{own}")
