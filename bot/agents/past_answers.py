"""Past answers: what agents answered to like questions, held in the memory of this process and nowhere else.

Messages stay sealed in the database; what is read of them here lives as long as the process, is made anew from them,
and is thrown away whole as soon as anybody is erased or a message is taken back.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.log import get_logger
from bot.platform.models import Agent, Customer, Erasure, Follow, Message, SopTask
from taggers.asked import Answered, Asked
from taggers.fold import fold
from taggers.reusable import Names, reusable, same_words
from taggers.spoken import is_welcome
from taggers.used_answers import TalkListener, Turn, UsedAnswer
from taggers.utterance import split_quote

if TYPE_CHECKING:
    from bot.system import System
    from taggers.answer_index import AnswerIndex

LOOKED_BACK = timedelta(days=365)
LOOK_AGAIN, RENEW_AFTER = 2.0, 6 * 3600.0  # seconds
PATIENCE = 0.03  # seconds that a page waits for what is new
NAMES_AGAIN = 60.0  # seconds
MOST_MESSAGES, MOST_NEW, MOST_TO_RENEW = 400_000, 2_000, 1_000
MOST_CASES, MOST_OF_ONE = 100_000, 50
_TOP = 200
_log = get_logger(__name__)


@dataclass(frozen=True)
class PastAnswer:
    """Words that agents used, with slots for names; said to so many customers, who went on talking."""

    key: str
    text: str
    customers: int


@dataclass(frozen=True)
class Size:
    """answers: questions with their answers that are looked through; bytes: of the arrays."""

    answers: int
    bytes: int


@dataclass(frozen=True)
class Part:
    """An index and the case of each of its rows."""

    index: AnswerIndex
    rows: Sequence[int]


@dataclass
class _Kept:
    """What was read so far. cases: used answers with their words as they may be said; who: to whom each
    was said. Pages look at it while more is read: what they look at only grows, or is replaced."""

    settings: Settings
    mark: tuple[Any, ...]
    at: float
    since: datetime
    last_id: int = 0
    listener: TalkListener = field(default_factory=TalkListener)
    cases: list[tuple[UsedAnswer, str]] = field(default_factory=list)
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


class PastAnswers:
    """The past answers of one process. Nothing is read before they are asked for, or where they are switched off."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self._mark: tuple[Any, ...] = ()
        self._looked = 0.0
        self._reader: threading.Thread | None = None

    def find(self, asked: Asked, settings: Settings, now: datetime, most: int) -> list[PastAnswer]:
        """The best answers to a question that are sure enough, each wording once; as fresh as two seconds."""
        if not settings.tables.suggestions.history:
            return []
        self.refresh(settings, now)
        with self._lock:
            kept = self._kept
            return [] if kept is None or not kept.parts else _find(kept, asked, most)

    def of(self, key: str) -> PastAnswer | None:
        """The answer that was found under this key."""
        with self._lock:
            kept = self._kept
            text = kept.newest.get(key) if kept is not None else None
            if kept is None or text is None or not _enough(kept, same_words(text)):
                return None
            return PastAnswer(key, text, len(kept.who[same_words(text)]))

    @property
    def size(self) -> Size:
        """How much is held."""
        with self._lock:
            kept = self._kept
            parts = kept.parts if kept is not None else ()
            return Size(sum(len(part.rows) for part in parts), sum(part.index.bytes for part in parts))

    def refresh(self, settings: Settings, now: datetime, *, wait: bool = False) -> None:
        """Read what is new, beside the page, which waits for a moment only, unless told to wait for it all.

        What must be forgotten is forgotten before anything is read.
        """
        if wait and self._reader is not None:
            self._reader.join()
        with self._lock:
            if not wait and time.monotonic() - self._looked < LOOK_AGAIN:
                return
            self._looked = time.monotonic()
            with self._system.store.read() as session:
                self._mark = _mark_of(session, settings)
                newest = session.scalar(select(func.max(Message.id))) or 0
            if self._kept is not None and self._kept.mark != self._mark:
                self._kept = None
            fresh = self._kept is not None and not _is_old(self._kept) and newest <= self._kept.last_id
            if fresh or self._busy():
                return
            kept = self._kept if self._kept is not None and not _is_old(self._kept) else None
            kept = kept or _Kept(settings, self._mark, time.monotonic(), now - LOOKED_BACK)
            self._reader = threading.Thread(target=self._read_beside, args=(kept,), daemon=True)
            self._reader.start()
        self._reader.join(None if wait else PATIENCE)

    def _busy(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _read_beside(self, kept: _Kept) -> None:
        try:
            self._read(kept)
        except Exception as error:
            _log.error("past answers not read", error=type(error).__name__)
            kept.mark = ()  # half of something: made anew
        with self._lock:
            self._kept = kept if kept.mark == self._mark else None  # None: somebody was erased meanwhile

    def _read(self, kept: _Kept) -> None:
        with self._system.store.read() as session:
            _learn_names(session, kept)
            for turn in _new_turns(session, kept):
                for used in kept.listener.hear(turn):
                    _keep(kept, used)
        _index(kept)


_OF_SYSTEM: WeakKeyDictionary[Any, PastAnswers] = WeakKeyDictionary()
_ONE_AT_A_TIME = threading.Lock()


def past_answers(system: System) -> PastAnswers:
    """The past answers of this process."""
    with _ONE_AT_A_TIME:
        return _OF_SYSTEM.setdefault(system, PastAnswers(system))


def _mark_of(session: Session, settings: Settings) -> tuple[Any, ...]:
    """What must be the same for what was read to hold: the config, who is erased, what was taken back."""
    erased = session.execute(select(func.max(Erasure.id), func.count(Erasure.done_at))).one()
    revoked = session.scalar(select(func.max(Message.id)).where(Message.revokes.is_not(None)))
    return (settings.version, *erased, revoked)


def _is_old(kept: _Kept) -> bool:
    """What retention deleted since must go as well."""
    return time.monotonic() - kept.at > RENEW_AFTER


def _learn_names(session: Session, kept: _Kept) -> None:
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


def _know(kept: _Kept, names: Iterable[str]) -> None:
    kept.names.update(fold(name) for name in names if len(name) > 1 and not _is_word(kept.settings, name))


def _is_word(settings: Settings, name: str) -> bool:
    """Whether a name is a word of the dictionary: 阳光 calls nobody to mind."""
    return len(name) == 2 and len(settings.likeness.words(name)) == 1


def _new_turns(session: Session, kept: _Kept) -> Iterator[Turn]:
    welcome = kept.settings.tables.welcome
    for row in session.execute(_messages(kept.last_id, kept.since)):
        kept.last_id = max(kept.last_id, row.id)
        text = "\n".join(part.text for part in split_quote(row.text) if part.scope == "typed")
        if text and not (row.role == "agent" and is_welcome(welcome.say if welcome else None, row.text)):
            yield Turn(row.id, row.customer_id, row.agent_id, row.role, text)
    newest = session.scalar(select(func.max(Message.id))) or 0
    kept.last_id = max(kept.last_id, newest)


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


def _keep(kept: _Kept, used: UsedAnswer) -> None:
    """Keep an answer that may be said to others."""
    own = kept.of_customer.get(used.customer, set())
    agent = kept.of_agent.get(used.agent or 0, "")
    prices = kept.settings.tables.suggestions.prices
    text = reusable(used.answer, own, {agent}, kept.everybody, prices=prices)
    if text is not None:
        kept.cases.append((used, text))
        words = same_words(text)
        kept.who.setdefault(words, set()).add(used.customer)
        kept.newest[_key(words)] = text


def _index(kept: _Kept) -> None:
    """Bring the index up to date: whole, or where few came since, these in one of their own beside it."""
    from taggers.answer_index import AnswerIndex

    def index(rows: Sequence[int], like: AnswerIndex | None) -> AnswerIndex:
        cases = [Answered(kept.cases[row][0].asked, kept.cases[row][1], kept.cases[row][0].customer) for row in rows]
        return AnswerIndex(cases, kept.settings.likeness, like)

    new = len(kept.cases) - kept.words_read
    if not kept.parts or new > MOST_NEW or (new and kept.words_read < MOST_TO_RENEW):
        rows, kept.words_read = _worth_finding(kept, 0), len(kept.cases)
        kept.parts = (Part(index(rows, None), rows),)
    elif len(kept.cases) > kept.read_to:
        great, *small = kept.parts
        rows = _worth_finding(kept, kept.read_to)
        while small and len(small[-1].rows) <= 2 * len(rows):  # so that there are few, and none is read often
            rows = [*small.pop().rows, *rows]
        kept.parts = (great, *small, Part(index(rows, great.index), rows))
    kept.read_to = len(kept.cases)


def _worth_finding(kept: _Kept, begin: int) -> list[int]:
    """The cases from there on whose words were said to enough customers; of each wording the newest."""
    counts: Counter[str] = Counter()
    rows = []
    for row in range(len(kept.cases) - 1, begin - 1, -1):
        words = same_words(kept.cases[row][1])
        if _enough(kept, words) and counts[words] < MOST_OF_ONE:
            counts[words] += 1
            rows.append(row)
    return rows[:MOST_CASES][::-1]


def _find(kept: _Kept, asked: Asked, most: int) -> list[PastAnswer]:
    import numpy as np

    from taggers.answer_index import sure_ones

    parts = kept.parts
    scores = np.concatenate([part.index.scores(asked) for part in parts])
    begins = np.cumsum([0, *(len(part.rows) for part in parts)])
    found: dict[str, PastAnswer] = {}
    for place in sure_ones(scores, parts[0].index.often, _TOP):
        part = int(np.searchsorted(begins, place, "right")) - 1
        text = kept.cases[parts[part].rows[place - begins[part]]][1]
        words = same_words(text)
        found.setdefault(words, PastAnswer(_key(words), text, len(kept.who[words])))
        if len(found) == most:
            break
    return list(found.values())


def _enough(kept: _Kept, words: str) -> bool:
    return len(kept.who[words]) >= kept.settings.tables.suggestions.customers


def _key(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
