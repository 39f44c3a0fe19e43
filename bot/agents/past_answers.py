"""Past answers: what agents answered to like questions, held in the memory of this process and nowhere else.

Messages stay sealed in the database; what is read of them here lives as long as the process, is made anew from them,
and is thrown away whole as soon as anybody is erased. Where a message is taken back, its talk alone is forgotten and
heard again.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.agents.past_answers_held import (
    Kept,
    Part,
    enough,
    forget_recalled,
    index_new,
    keep,
    key_of,
    learn_names,
    new_turns,
)
from bot.platform.config.settings import Settings
from bot.platform.log import get_logger
from bot.platform.models import Erasure, Message
from taggers.asked import Asked
from taggers.reusable import same_words

if TYPE_CHECKING:
    from bot.system import System
    from taggers.term_index import Floats

LOOKED_BACK = timedelta(days=365)
LOOK_AGAIN, RENEW_AFTER = 2.0, 6 * 3600.0  # seconds
PATIENCE = 0.03  # seconds that a page waits for what is new
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
    """answers: questions with their answers that are looked through; bytes: of the arrays; heard: messages read."""

    answers: int
    bytes: int
    heard: int = 0


class PastAnswers:
    """The past answers of one process. Nothing is read before they are asked for, or where they are switched off."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._kept: Kept | None = None
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
            if kept is None or text is None or not enough(kept, same_words(text)):
                return None
            return PastAnswer(key, text, len(kept.who[same_words(text)]))

    @property
    def size(self) -> Size:
        """How much is held."""
        with self._lock:
            kept = self._kept
            parts = kept.parts if kept is not None else ()
            answers = sum(len(part.rows) - len(part.gone) for part in parts)
            return Size(answers, sum(part.index.bytes for part in parts), kept.heard if kept is not None else 0)

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
                    self._kept = self._without_recalled(session, self._kept)
            known = self._kept if self._kept is not None and not self._kept.again else None
            fresh = known is not None and not _is_old(known) and newest <= known.last_id
            if fresh or self._busy():
                return
            kept = self._kept if self._kept is not None and not _is_old(self._kept) else None
            kept = kept or Kept(settings, self._mark, time.monotonic(), now - LOOKED_BACK)
            self._reader = threading.Thread(target=self._read_beside, args=(kept,), daemon=True)
            self._reader.start()
        self._reader.join(None if wait else PATIENCE)

    def _without_recalled(self, session: Session, kept: Kept) -> Kept | None:
        """What is held, without what was taken back since; None where other things changed, or more is being read."""
        *known, recalled = kept.mark or (None,)
        if known != list(self._mark[:-1]) or self._busy():
            return None
        forget_recalled(session, kept, recalled or 0)
        kept.mark = self._mark
        return kept

    def _busy(self) -> bool:
        return self._reader is not None and self._reader.is_alive()

    def _read_beside(self, kept: Kept) -> None:
        try:
            self._read(kept)
        except Exception as error:
            _log.error("past answers not read", error=type(error).__name__)
            kept.mark = ()  # half of something: made anew
        with self._lock:
            self._kept = kept if kept.mark == self._mark else None  # None: somebody was erased meanwhile

    def _read(self, kept: Kept) -> None:
        with self._system.store.read() as session:
            learn_names(session, kept)
            for turn in new_turns(session, kept):
                for used in kept.listener.hear(turn):
                    keep(kept, used)
        index_new(kept)


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


def _is_old(kept: Kept) -> bool:
    """What retention deleted since must go as well."""
    return time.monotonic() - kept.at > RENEW_AFTER


def _scores(part: Part, asked: Asked) -> Floats:
    scores = part.index.scores(asked)
    scores[list(part.gone)] = 0
    return scores


def _find(kept: Kept, asked: Asked, most: int) -> list[PastAnswer]:
    import numpy as np

    from taggers.answer_index import sure_ones

    parts = kept.parts
    scores = np.concatenate([_scores(part, asked) for part in parts])
    begins = np.cumsum([0, *(len(part.rows) for part in parts)])
    found: dict[str, PastAnswer] = {}
    for place in sure_ones(scores, parts[0].index.often, _TOP):
        part = int(np.searchsorted(begins, place, "right")) - 1
        case = kept.cases[parts[part].rows[place - begins[part]]]
        assert case is not None  # what was forgotten scores nothing
        text = case[1]
        words = same_words(text)
        found.setdefault(words, PastAnswer(key_of(words), text, len(kept.who[words])))
        if len(found) == most:
            break
    return list(found.values())
