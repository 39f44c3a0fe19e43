"""What past answers are held as: cases read from sealed messages, the names that may not come out, and the index."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Customer, Follow, Message, SopTask
from taggers.asked import Answered
from taggers.fold import fold
from taggers.reusable import Names, reusable, same_words
from taggers.spoken import is_welcome
from taggers.used_answers import TalkListener, Turn, UsedAnswer
from taggers.utterance import split_quote

if TYPE_CHECKING:
    from taggers.answer_index import AnswerIndex

NAMES_AGAIN = 60.0  # seconds
MOST_MESSAGES, MOST_NEW, MOST_TO_RENEW = 400_000, 2_000, 1_000
MOST_CASES, MOST_OF_ONE = 100_000, 50


@dataclass(frozen=True)
class Part:
    """An index and the case of each of its rows. gone: the places of rows whose case was forgotten."""

    index: AnswerIndex
    rows: Sequence[int]
    gone: Sequence[int] = ()


@dataclass
class Kept:
    """What was read so far. cases: used answers with their words as they may be said; who: to whom each
    was said. Pages look at it while more is read: what they look at only grows, or is replaced."""

    settings: Settings
    mark: tuple[Any, ...]
    at: float
    since: datetime
    last_id: int = 0
    listener: TalkListener = field(default_factory=TalkListener)
    cases: list[tuple[UsedAnswer, str] | None] = field(default_factory=list)  # None: forgotten
    heard: int = 0  # messages, also those that were heard again
    again: set[int] = field(default_factory=set)  # customers who are to be heard again
    who: dict[str, set[int]] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)  # by key, the words as they were said last
    names: set[str] = field(default_factory=set)
    names_at: float = float("-inf")
    last_customer: int = 0
    everybody: Names = field(default_factory=lambda: Names(()))
    of_customer: dict[int, set[str]] = field(default_factory=dict)
    of_agent: dict[int, str] = field(default_factory=dict)
    words_read: int = 0  # how many of `cases` were looked at when the great index was made
    read_to: int = 0  # and how many are in any
    parts: tuple[Part, ...] = ()  # the great index first; replaced, never changed: pages look while more is read


def learn_names(session: Session, kept: Kept) -> None:
    """The names of everybody there is, so that none of them comes out: all of them once a minute, in between those of
    whoever is new or was heard."""
    whole = time.monotonic() - kept.names_at > NAMES_AGAIN
    people = select(Customer.id, Customer.name, Follow.remark).outerjoin(Follow, Follow.customer_id == Customer.id)
    if whole:
        kept.of_customer, kept.names, kept.names_at = {}, set(), time.monotonic()
        kept.of_agent = {agent.id: agent.shown_name for agent in session.scalars(select(Agent))}
        _know(kept, (name for name in kept.of_agent.values()))
    else:
        heard = select(Message.customer_id).where(Message.id > kept.last_id)
        people = people.where(or_(Customer.id > kept.last_customer, Customer.id.in_(heard)))
    for customer, name, remark in session.execute(people):
        given = {one for one in (name, remark) if one and len(one) > 1}
        kept.of_customer.setdefault(customer, set()).update(given)
        kept.last_customer = max(kept.last_customer, customer)
        _know(kept, given)
    kept.everybody = Names(kept.names)


def _know(kept: Kept, names: Iterable[str]) -> None:
    kept.names.update(fold(name) for name in names if len(name) > 1 and not _is_word(kept.settings, name))


def _is_word(settings: Settings, name: str) -> bool:
    """Whether a name is a word of the dictionary: 阳光 calls nobody to mind."""
    return len(name) == 2 and len(settings.likeness.words(name)) == 1


def new_turns(session: Session, kept: Kept) -> Iterator[Turn]:
    """What was said since, after all that customers said who are to be heard again."""
    again, kept.again = kept.again, set()
    if again:
        yield from _turns(session, kept, _messages(0, kept.since).where(Message.customer_id.in_(again)), kept.last_id)
    yield from _turns(session, kept, _messages(kept.last_id, kept.since))
    newest = session.scalar(select(func.max(Message.id))) or 0
    kept.last_id = max(kept.last_id, newest)


def _turns(
    session: Session, kept: Kept, messages: Select[*tuple[Any, ...]], last: int | None = None
) -> Iterator[Turn]:
    """last: no message after this one."""
    welcome = kept.settings.tables.welcome
    for row in session.execute(messages if last is None else messages.where(Message.id <= last)):
        kept.last_id, kept.heard = max(kept.last_id, row.id), kept.heard + 1
        text = "\n".join(part.text for part in split_quote(row.text) if part.scope == "typed")
        if text and not (row.role == "agent" and is_welcome(welcome.say if welcome else None, row.text)):
            yield Turn(row.id, row.customer_id, row.agent_id, row.role, text)


def forget_recalled(session: Session, kept: Kept, since: int) -> None:
    """Forget the talks in which something was taken back by a message after this one; they are heard again."""
    taken = select(Message.revokes).where(Message.id > since, Message.revokes.is_not(None))
    talks = select(Message.customer_id).where(Message.msgid.in_(taken), Message.customer_id.is_not(None)).distinct()
    people = {customer for customer in session.scalars(talks) if customer is not None}
    if people:
        _forget(kept, people)


def _forget(kept: Kept, people: set[int]) -> None:
    gone = {row for row, case in enumerate(kept.cases) if case is not None and case[0].customer in people}
    words = {same_words(case[1]) for row in gone if (case := kept.cases[row]) is not None}
    for row in gone:
        kept.cases[row] = None
    for one in words:
        kept.who[one] -= people
        kept.newest.pop(key_of(one), None)
    said = {one for one in words if kept.who[one]}
    for case in kept.cases if said else ():
        if case is not None and (one := same_words(case[1])) in said:
            kept.newest[key_of(one)] = case[1]
    kept.parts = tuple(
        replace(part, gone=[place for place, row in enumerate(part.rows) if kept.cases[row] is None])
        for part in kept.parts
    )
    for customer in people:
        kept.listener.forget(customer)
    kept.again |= people


def _messages(after: int, since: datetime) -> Select[*tuple[Any, ...]]:
    """Words of single chats that nobody took back or refused to have archived, without mass messages."""
    mass = select(SopTask.sent_msgid).where(SopTask.outcome == "group-send", SopTask.sent_msgid.is_not(None))
    newest = (
        select(Message.id)
        .where(
            Message.id > after,
            Message.kind == "text",
            Message.action == "send",
            Message.roomid == "",
            Message.role.in_(("customer", "agent")),
            Message.customer_id.is_not(None),
            Message.unagreed.is_(False),
            Message.revoked_at.is_(None),
            Message.msgid.not_in(mass),
            Message.sent_at >= since,
        )
        .order_by(Message.id.desc())
        .limit(MOST_MESSAGES)
    )
    columns = (Message.id, Message.role, Message.customer_id, Message.agent_id, Message.text)
    return select(*columns).where(Message.id.in_(newest)).order_by(Message.id)


def keep(kept: Kept, used: UsedAnswer) -> None:
    """Keep an answer that may be said to others."""
    own = kept.of_customer.get(used.customer, set())
    agent = kept.of_agent.get(used.agent or 0, "")
    prices = kept.settings.tables.suggestions.prices
    text = reusable(used.answer, own, {agent}, kept.everybody, prices=prices)
    if text is not None:
        kept.cases.append((used, text))
        words = same_words(text)
        kept.who.setdefault(words, set()).add(used.customer)
        kept.newest[key_of(words)] = text


def index_new(kept: Kept) -> None:
    """Bring the index up to date: whole, or where few came since, these in one of their own beside it."""
    from taggers.answer_index import AnswerIndex

    def index(rows: Sequence[int], like: AnswerIndex | None) -> AnswerIndex:
        found = (case for row in rows if (case := kept.cases[row]) is not None)
        cases = [Answered(used.asked, text, used.customer) for used, text in found]
        return AnswerIndex(cases, kept.settings.likeness, like)

    new = len(kept.cases) - kept.words_read
    if not kept.parts or new > MOST_NEW or (new and kept.words_read < MOST_TO_RENEW):
        rows, kept.words_read = _worth_finding(kept, 0), len(kept.cases)
        kept.parts = (Part(index(rows, None), rows),)
    elif len(kept.cases) > kept.read_to:
        great, *small = kept.parts
        rows = _worth_finding(kept, kept.read_to)
        while small and len(small[-1].rows) <= 2 * len(rows):  # so that there are few, and none is read often
            rows = [*(row for row in small.pop().rows if kept.cases[row] is not None), *rows]
        kept.parts = (great, *small, Part(index(rows, great.index), rows))
    kept.read_to = len(kept.cases)


def _worth_finding(kept: Kept, begin: int) -> list[int]:
    """The cases from there on whose words were said to enough customers; of each wording the newest."""
    counts: Counter[str] = Counter()
    rows = []
    for row in range(len(kept.cases) - 1, begin - 1, -1):
        case = kept.cases[row]
        if case is None:
            continue
        words = same_words(case[1])
        if enough(kept, words) and counts[words] < MOST_OF_ONE:
            counts[words] += 1
            rows.append(row)
    return rows[:MOST_CASES][::-1]


def enough(kept: Kept, words: str) -> bool:
    return len(kept.who[words]) >= kept.settings.tables.suggestions.customers


def key_of(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
