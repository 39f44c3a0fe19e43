"""Past answers: what agents answered to like questions, held in the memory of this process and nowhere else.

Messages stay sealed in the database; what is read of them here lives as long as the process, is made anew from them,
and is thrown away whole as soon as anybody is erased or a message is taken back.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings
from bot.platform.log import get_logger
from bot.platform.models import Agent, Customer, Erasure, Follow, Message, SopTask
from taggers.asked import Answered, Asked
from taggers.fold import fold
from taggers.reusable import reusable, same_words
from taggers.spoken import is_welcome
from taggers.used_answers import TalkListener, Turn, UsedAnswer
from taggers.utterance import split_quote

if TYPE_CHECKING:
    from bot.system import System
    from taggers.answer_index import AnswerIndex

LOOKED_BACK = timedelta(days=365)
LOOK_AGAIN, RENEW_AFTER = 2.0, 6 * 3600.0  # seconds
AT_ONCE = 500  # messages that a page waits for; more are read beside it
MOST_MESSAGES, MOST_NEW, MOST_TO_RENEW = 400_000, 200, 1_000
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


@dataclass
class _Kept:
    """What was read so far. cases: used answers with their words as they may be said; who: to whom each was said."""

    settings: Settings
    mark: tuple[Any, ...]
    at: float
    since: datetime
    last_id: int = 0
    listener: TalkListener = field(default_factory=TalkListener)
    cases: list[tuple[UsedAnswer, str]] = field(default_factory=list)
    who: dict[str, set[int]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    of_customer: dict[int, set[str]] = field(default_factory=dict)
    of_agent: dict[int, str] = field(default_factory=dict)
    index: AnswerIndex | None = None
    words_read: int = 0  # how many of `cases` were looked at when the index was made
    rows: list[int] = field(default_factory=list)  # the case of each row of the index
    fresh: AnswerIndex | None = None
    fresh_rows: list[int] = field(default_factory=list)
    fresh_to: int = 0


class PastAnswers:
    """The past answers of one process. Nothing is read before they are asked for, or where they are switched off."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._kept: _Kept | None = None
        self._looked = 0.0
        self._reader: threading.Thread | None = None

    def find(self, asked: Asked, settings: Settings, now: datetime, most: int) -> list[PastAnswer]:
        """The best answers to a question that are sure enough, each wording once; as fresh as two seconds."""
        if not settings.tables.suggestions.history:
            return []
        self.refresh(settings, now)
        with self._lock:
            kept = self._kept
            return [] if kept is None or kept.index is None else _find(kept, asked, most)

    def of(self, key: str) -> PastAnswer | None:
        """The answer that was found under this key."""
        with self._lock:
            kept = self._kept
            words = next((same for same in kept.who if _key(same) == key), None) if kept is not None else None
            if kept is None or words is None:
                return None
            text = next((text for _, text in reversed(kept.cases) if same_words(text) == words), None)
            return PastAnswer(key, text, len(kept.who[words])) if text and _enough(kept, words) else None

    @property
    def size(self) -> Size:
        """How much is held."""
        with self._lock:
            kept = self._kept
            parts = [part for part in (kept.index, kept.fresh) if part is not None] if kept is not None else []
            return Size(sum(len(part) for part in parts), sum(part.bytes for part in parts))

    def refresh(self, settings: Settings, now: datetime, *, wait: bool = False) -> None:
        """Read what is new; where much is, beside the page, unless told to wait for it."""
        with self._lock:
            if not wait and (self._busy() or time.monotonic() - self._looked < LOOK_AGAIN):
                return
            self._looked = time.monotonic()
            with self._system.store.read() as session:
                mark = _mark_of(session, settings)
                if self._kept is not None and (self._kept.mark != mark or _is_old(self._kept)):
                    self._kept = None
                last = self._kept.last_id if self._kept is not None else 0
                waiting = session.scalar(select(func.max(Message.id))) or 0
            if not wait and waiting - last > AT_ONCE:
                self._reader = threading.Thread(
                    target=self._read_beside,
                    args=(_Kept(settings, mark, time.monotonic(), now - LOOKED_BACK),),
                    daemon=True,
                )
                self._reader.start()
                return
            if waiting > last or self._kept is None:
                self._kept = self._read(self._kept or _Kept(settings, mark, time.monotonic(), now - LOOKED_BACK))

    def _busy(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _read_beside(self, kept: _Kept) -> None:
        try:
            self._read(kept)
        except Exception as error:
            _log.error("past answers not read", error=type(error).__name__)
            return
        with self._lock:
            self._kept, self._looked = kept, 0.0

    def _read(self, kept: _Kept) -> _Kept:
        with self._system.store.read() as session:
            _learn_names(session, kept)
            for turn in _new_turns(session, kept):
                for used in kept.listener.hear(turn):
                    _keep(kept, used)
        _index(kept)
        return kept


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
    """The names of everybody there is, so that none of them comes out."""
    kept.of_customer, kept.names = {}, set()
    people = select(Customer.id, Customer.name, Follow.remark).outerjoin(Follow, Follow.customer_id == Customer.id)
    for customer, name, remark in session.execute(people):
        given = {one for one in (name, remark) if one and len(one) > 1}
        kept.of_customer.setdefault(customer, set()).update(given)
        kept.names |= given
    kept.of_agent = {agent.id: agent.shown_name for agent in session.scalars(select(Agent))}
    kept.names |= {name for name in kept.of_agent.values() if len(name) > 1}
    kept.names = {fold(name) for name in kept.names if not _is_word(kept.settings, name)}


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
    text = reusable(used.answer, own, {agent}, kept.names.__contains__, prices=prices)
    if text is not None:
        kept.cases.append((used, text))
        kept.who.setdefault(same_words(text), set()).add(used.customer)


def _index(kept: _Kept) -> None:
    """Bring the index up to date: whole, or where few came since, these in one of their own beside it."""
    from taggers.answer_index import AnswerIndex

    def index(rows: Sequence[int], like: AnswerIndex | None) -> AnswerIndex:
        cases = [Answered(kept.cases[row][0].asked, kept.cases[row][1], kept.cases[row][0].customer) for row in rows]
        return AnswerIndex(cases, kept.settings.likeness, like)

    new = len(kept.cases) - kept.words_read
    if kept.index is None or new > MOST_NEW or (new and kept.words_read < MOST_TO_RENEW):
        kept.rows, kept.words_read = _worth_finding(kept, 0), len(kept.cases)
        kept.index = index(kept.rows, None)
        kept.fresh, kept.fresh_rows, kept.fresh_to = None, [], kept.words_read
    elif len(kept.cases) > kept.fresh_to:
        kept.fresh_rows, kept.fresh_to = _worth_finding(kept, kept.words_read), len(kept.cases)
        kept.fresh = index(kept.fresh_rows, kept.index) if kept.fresh_rows else None


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

    assert kept.index is not None
    parts = [(kept.index, kept.rows), *([(kept.fresh, kept.fresh_rows)] if kept.fresh is not None else [])]
    scores = np.concatenate([part.scores(asked) for part, _ in parts])
    found: dict[str, PastAnswer] = {}
    for place in sure_ones(scores, kept.index.often, _TOP):
        row = kept.rows[place] if place < len(kept.rows) else kept.fresh_rows[place - len(kept.rows)]
        text = kept.cases[row][1]
        words = same_words(text)
        found.setdefault(words, PastAnswer(_key(words), text, len(kept.who[words])))
        if len(found) == most:
            break
    return list(found.values())


def _enough(kept: _Kept, words: str) -> bool:
    return len(kept.who[words]) >= kept.settings.tables.suggestions.customers


def _key(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]
