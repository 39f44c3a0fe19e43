"""Retention: purges nightly what is older than config.toml allows, and keeps ledgers and counts consistent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, LargeBinary, and_, delete, func, select, type_coerce, update
from sqlalchemy.orm import Session

from bot.intake.media.files import forget_media
from bot.intake.media.store import open_media_store
from bot.platform.config.privacy_tables import Privacy
from bot.platform.database.reading_log import record_purge, seal_views
from bot.platform.database.rows_sealed import update_rows
from bot.platform.database.search_index import WORDS, index_words, reindex_words
from bot.platform.database.store import get_status, release_lease, set_status, take_lease
from bot.platform.log import get_logger
from bot.platform.models import (
    Agent,
    BusinessEvent,
    CallbackEvent,
    ConductFinding,
    Customer,
    Evidence,
    LinkOpening,
    MediaFile,
    Message,
    MessageLinkOpening,
    Order,
    Outbox,
    OwnWording,
    Quarantine,
    SearchToken,
    SopTask,
    StageMove,
    Tagging,
    ToldFact,
    ViewEntry,
    WebhookDelivery,
    WordingOffer,
)
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of

if TYPE_CHECKING:
    from bot.platform.config.settings import Settings
    from bot.system import System

STATUS, SEARCH = "purge", "search_messages"
AT_ONCE = 500
AT_MOST = 100.0  # seconds of one job; the next goes on
LEASE_SECONDS = 300
_MAY_RETURN = timedelta(days=30)
_EMPTY_BYTES = 35  # the sealed size of an empty JSON object: rows that were purged already are not found again
_OVER = ("completed", "replied", "expired", "cancelled", "failed")
_log = get_logger(__name__)


@dataclass(frozen=True)
class RetentionKind:
    """One kind of data with a limit of age.

    too_old: the condition for rows older than a moment. purge: takes rows (by id) away and returns the names of
    contents in the media store that nothing refers to any more.
    """

    name: str
    model: type[Any]
    too_old: Callable[[datetime], ColumnElement[bool]]
    purge: Callable[[Session, list[int]], list[str]]


def count_old(session: Session, settings: Settings, now: datetime) -> dict[str, int]:
    """How many rows of each kind a purge would take now."""
    found: dict[str, int] = {}
    for kind, before in _due(settings, now):
        count = session.scalar(select(func.count()).select_from(kind.model).where(kind.too_old(before)))
        found[kind.name] = found.get(kind.name, 0) + (count or 0)
    return found


def purge(system: System, now: datetime, on_progress: Callable[[str, int], None] = lambda *_: None) -> dict[str, int]:
    """Take away whatever is too old, a few hundred rows per transaction; may be interrupted and repeated."""
    done: dict[str, int] = {}
    media = open_media_store(system)
    for kind, before in _due(system.settings, now):
        if kind.model is ViewEntry:
            _record_purge(system, kind, before, now)
        for count, contents in _purge_in_steps(system, kind, before):
            done[kind.name] = done.get(kind.name, 0) + count
            on_progress(kind.name, count)
            for content in contents:
                media.remove(content)
    return done


def purge_nightly(system: System, now: datetime) -> bool:
    """Run the purge once a day, from the configured hour on; True where it ran."""
    settings = system.settings
    local = now.astimezone(settings.zone)
    today = local.date().isoformat()
    with system.store.write() as session:
        status = get_status(session, STATUS)
        if status is not None and status.value["day"] >= today:
            return False
        if local.time() < settings.tables.privacy.purge_at:
            return False
        held = take_lease(session, STATUS, system.owner, LEASE_SECONDS)
    if held is None:
        return False
    try:
        with system.store.write() as session:
            seal_views(session, now)
        done = purge(system, now)
        with system.store.write() as session:
            forget_leavers(session, now)
        with system.store.write() as session:
            set_status(session, STATUS, {"day": today, "purged": done}, now)
    finally:
        with system.store.write() as session:
            release_lease(session, held)
    _log.info("purged", **done)
    return True


def forget_leavers(session: Session, now: datetime) -> int:
    """Delete the own wordings of agents who left a month ago: until then they may come back."""
    gone = select(Agent.id).where(Agent.left_at.is_not(None), Agent.left_at < now - _MAY_RETURN)
    ids = session.scalars(select(OwnWording.id).where(OwnWording.agent_id.in_(gone))).all()
    session.execute(delete(OwnWording).where(OwnWording.id.in_(ids)))
    return len(ids)


def keep_search_index(system: System, now: datetime, seconds: float = AT_MOST) -> int:
    """Fill or empty the search index as config.toml says, for so many seconds; returns messages or customers done."""
    wanted, ends, total = system.settings.tables.privacy.search_messages, time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        with system.store.write() as session:
            status = get_status(session, SEARCH)
            state = status.value if status else {"on": False, "after": 0, "done": True}
            if state["on"] != wanted:
                state = {"on": wanted, "after": 0, "done": False}
            if state["done"]:
                return total
            count, state = (_index_some if wanted else _empty_some)(session, state)
            set_status(session, SEARCH, state, now)
        total += count
    return total


def _index_some(session: Session, state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    query = select(Message).where(Message.id > state["after"], Message.role == "customer").order_by(Message.id)
    rows = session.scalars(query.limit(AT_ONCE)).all()
    index_words(session, rows)
    return len(rows), {**state, "after": rows[-1].id if rows else state["after"], "done": len(rows) < AT_ONCE}


def _empty_some(session: Session, state: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    people = select(SearchToken.customer_id).where(SearchToken.kind == WORDS).distinct().limit(AT_ONCE)
    ids = session.scalars(people).all()
    session.execute(delete(SearchToken).where(SearchToken.kind == WORDS, SearchToken.customer_id.in_(ids)))
    return len(ids), {**state, "done": not ids}


def _due(settings: Settings, now: datetime) -> Iterator[tuple[RetentionKind, datetime]]:
    keep: Privacy = settings.tables.privacy
    for kind in KINDS:
        age: timedelta | None = getattr(keep.retention, kind.name)
        if age is not None:
            yield kind, now - age


def _record_purge(system: System, kind: RetentionKind, before: datetime, now: datetime) -> None:
    with system.store.write() as session:
        if session.scalar(select(kind.model.id).where(kind.too_old(before)).limit(1)) is not None:
            record_purge(session, before, now)


def _purge_in_steps(system: System, kind: RetentionKind, before: datetime) -> Iterator[tuple[int, list[str]]]:
    after = 0
    while True:
        with system.store.write() as session:
            query = select(kind.model.id).where(kind.too_old(before), kind.model.id > after).order_by(kind.model.id)
            ids = list(session.scalars(query.limit(AT_ONCE)))
            contents = kind.purge(session, ids) if ids else []
        if not ids:
            return
        after = ids[-1]
        yield len(ids), contents


def _purge_messages(session: Session, ids: list[int]) -> list[str]:
    """Delete messages with their files; what they caused (tags, facts, moves) keeps rule and time but no words."""
    mine = Message.id.in_(ids)
    people = set(
        session.scalars(select(Message.customer_id).where(mine, Message.customer_id.is_not(None)).distinct())
    )
    msgids = select(Message.msgid).where(mine)
    newest = session.scalar(select(func.max(Message.sent_at)).where(mine))
    blanks: tuple[tuple[type[Any], dict[str, Any]], ...] = (
        (Evidence, {"spans": [], "reason": ""}),
        (ToldFact, {"span": [], "words": ""}),
        (ConductFinding, {"spans": [], "reason": ""}),
    )
    for model, blank in blanks:
        of_these = session.scalars(select(model.id).where(model.message_id.in_(ids))).all()
        update_rows(session, model, of_these, {"message_id": None, **blank})
    session.execute(update(Tagging).where(Tagging.msgid.in_(msgids)).values(reason=""))
    session.execute(update(StageMove).where(StageMove.msgid.in_(msgids)).values(evidence=""))
    told = SopTask.customer_id.in_(people), SopTask.state.in_(_OVER), SopTask.due_at <= newest
    session.execute(update(SopTask).where(*told).values(text=""))
    offered = WordingOffer.customer_id.in_(people), WordingOffer.live_until <= newest
    session.execute(update(WordingOffer).where(*offered).values(text=""))
    session.execute(
        update(Customer).where(Customer.id.in_(people), Customer.last_word_at <= newest).values(last_words="")
    )
    contents = forget_media(session, ids)
    delete_dependent_rows(session, dependent_rows_of(session, Message, ids))
    indexed = select(SearchToken.customer_id).where(SearchToken.kind == WORDS, SearchToken.customer_id.in_(people))
    reindex_words(session, sorted(set(session.scalars(indexed))))
    return contents


def _purge_files(session: Session, ids: list[int]) -> list[str]:
    of = session.scalars(select(MediaFile.message_id).where(MediaFile.id.in_(ids))).all()
    return forget_media(session, sorted(set(of)))


def _purge_words_sent(session: Session, ids: list[int]) -> list[str]:
    update_rows(session, Outbox, ids, {"payload": {}, "result": {"purged": True}})
    return []


def _opened_before(model: type[Any]) -> Callable[[datetime], ColumnElement[bool]]:
    """Openings of tracked links that the rules were shown."""
    return lambda before: model.handled_at.is_not(None) & (model.opened_at < before)


def _delete(model: type[Any]) -> Callable[[Session, list[int]], list[str]]:
    def purge(session: Session, ids: list[int]) -> list[str]:
        delete_dependent_rows(session, dependent_rows_of(session, model, ids))
        return []

    return purge


KINDS = (
    RetentionKind("messages", Message, lambda before: Message.sent_at < before, _purge_messages),
    RetentionKind("media", MediaFile, lambda before: MediaFile.sent_at < before, _purge_files),
    RetentionKind(
        "events",
        CallbackEvent,
        lambda before: CallbackEvent.handled_at.is_not(None) & (CallbackEvent.received_at < before),
        _delete(CallbackEvent),
    ),
    *(
        RetentionKind("events", opening, _opened_before(opening), _delete(opening))
        for opening in (LinkOpening, MessageLinkOpening)
    ),
    RetentionKind("views", ViewEntry, lambda before: ViewEntry.at < before, _delete(ViewEntry)),
    RetentionKind(
        "outbox",
        Outbox,
        lambda before: and_(
            Outbox.state.not_in(("waiting", "sending")),
            Outbox.done_at < before,
            func.length(type_coerce(Outbox.payload, LargeBinary)) > _EMPTY_BYTES,
        ),
        _purge_words_sent,
    ),
    RetentionKind(
        "quarantine",
        Quarantine,
        lambda before: Quarantine.released_at.is_not(None) & (Quarantine.released_at < before),
        _delete(Quarantine),
    ),
    RetentionKind(
        "outbox",
        WebhookDelivery,
        lambda before: WebhookDelivery.done_at.is_not(None) & (WebhookDelivery.created_at < before),
        _delete(WebhookDelivery),
    ),
    RetentionKind("orders", Order, lambda before: Order.ordered_at < before, _delete(Order)),
    RetentionKind("business_events", BusinessEvent, lambda before: BusinessEvent.at < before, _delete(BusinessEvent)),
)
"""By the names of the keys in [privacy.retention]."""
