"""History: reads stored messages back for studies of the rules, one customer after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from multiprocessing import get_context
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.orm import Session

from bot.platform.config.settings import Settings, parse_settings
from bot.platform.database.group_names import StoredTalk
from bot.platform.database.store import Store
from bot.platform.encryption import DataKeys
from bot.platform.models import Customer, GroupChat, Message, Placement, StageMove, Tagging
from bot.wecom.errors import UnreadableMessageError
from bot.wecom.messages import read_message
from taggers.backtest import Backtest, CustomerHistory, backtest, merge
from taggers.conduct import CONDUCT
from taggers.nobody import HIDDEN
from taggers.rulebook import RuleBook
from taggers.utterance import Part, Scope, Sender, Utterance, split_quote

ROWS_AT_ONCE = 2_000
RANGES = 48
"""Ranges of customers into which a backtest is cut: one task of a process each, and one step of the progress bar."""

IN_GROUPS = (0, 0)
"""The range that stands for what agents say in groups, which is said to no one customer."""

_COLUMNS = (
    Message.customer_id,
    Message.msgid,
    Message.role,
    Message.kind,
    Message.text,
    Message.sent_at,
    Message.roomid,
)
Spoken = Row[int | None, str, str, str, str, datetime, str]


@dataclass(frozen=True)
class CustomerRange:
    """Customers first..last (ids) and from when on their messages count; all that a worker process needs."""

    url: str
    keys: DataKeys
    first: int
    last: int
    since: datetime
    now: datetime


def ranges_for(
    store: Store, since: datetime, now: datetime, books: Collection[RuleBook]
) -> tuple[list[CustomerRange], int]:
    """The ranges that a backtest of these rule books has to read, and how many messages there are in them.

    What agents say in groups is read where a rule about their conduct might hear it.
    """
    parts, count = customer_ranges(store, since, now)
    if not any(rule.kind == CONDUCT for book in books for rule in book.rules):
        return parts, count
    with store.read() as session:
        heard = session.scalar(select(func.count()).select_from(Message).where(*_said_in_groups(since))) or 0
    groups = [CustomerRange(store.url, store.keys, *IN_GROUPS, since, now)] if heard else []
    return [*parts, *groups], count + heard


def customer_ranges(store: Store, since: datetime, now: datetime) -> tuple[list[CustomerRange], int]:
    """Cut the customers into ranges; also gives how many messages there are in all."""
    with store.read() as session:
        first, last, count = session.execute(
            select(func.min(Message.customer_id), func.max(Message.customer_id), func.count())
            .where(Message.customer_id.is_not(None), Message.sent_at >= since)
        ).one()  # fmt: skip
        cuts = cut_customers(session, first, last, RANGES) if first is not None and last is not None else []
    return [CustomerRange(store.url, store.keys, *cut, since, now) for cut in cuts], count


def cut_customers(session: Session, first: int, last: int, pieces: int) -> list[tuple[int, int]]:
    """Cut the customers first..last into so many ranges of as many people each: ids may have wide gaps."""
    part = func.ntile(pieces).over(order_by=Customer.id).label("part")
    cut = select(Customer.id, part).where(Customer.id.between(first, last)).subquery()
    rows = session.execute(select(func.min(cut.c.id), func.max(cut.c.id)).group_by(cut.c.part).order_by(cut.c.part))
    return [(low, high) for low, high in rows]


def histories(session: Session, part: CustomerRange, zone: ZoneInfo) -> Iterator[CustomerHistory]:
    """Read the stories of a range: of customers, or of what agents said in groups."""
    if (part.first, part.last) == IN_GROUPS:
        return _group_histories(session, part, zone)
    return customer_histories(session, part, zone)


def _said_in_groups(since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        Message.customer_id.is_(None),
        Message.roomid != "",
        Message.sent_at >= since,
        Message.action == "send",
        Message.role == "agent",
        Message.text != "",
    )


def _group_histories(session: Session, part: CustomerRange, zone: ZoneInfo) -> Iterator[CustomerHistory]:
    """What agents said, group by group; such a story is of no customer."""
    internal = select(GroupChat.chat_id).where(GroupChat.internal.is_(True))
    query = select(*_COLUMNS).where(*_said_in_groups(part.since), Message.roomid.not_in(internal))
    query = query.order_by(Message.roomid, Message.sent_at, Message.seq, Message.id)
    rows = session.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
    talk = StoredTalk(session)
    for _room, said in groupby(rows, key=lambda row: row[6]):
        yield CustomerHistory("", (_utterance(session, talk, row, zone) for row in said))


def customer_histories(session: Session, part: CustomerRange, zone: ZoneInfo) -> Iterator[CustomerHistory]:
    """Read the customers of a range one by one, with the stages where they stand today."""
    stages: dict[int, dict[str, str]] = {}
    within = Placement.customer_id.between(part.first, part.last)
    for customer_id, pipeline, stage in session.execute(
        select(Placement.customer_id, Placement.pipeline, Placement.stage).where(within)
    ):
        stages.setdefault(customer_id, {})[pipeline] = stage
    people = select(Customer.id, Customer.external_userid, Customer.channel)
    known = {
        key: (external, channel or "")
        for key, external, channel in session.execute(people.where(Customer.id.between(part.first, part.last)))
    }
    query = (
        select(*_COLUMNS)
        .where(
            Message.customer_id.between(part.first, part.last),
            Message.sent_at >= part.since,
            Message.action == "send",
            Message.role.in_(("customer", "agent")),
            Message.text != "",
            Message.unagreed.is_(False),
        )
        .order_by(Message.customer_id, Message.sent_at, Message.seq, Message.id)
    )
    rows = session.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
    talk = StoredTalk(session)
    for customer_id, said in groupby(rows, key=lambda row: row[0]):
        name, channel = known.get(cast(int, customer_id), (str(customer_id), ""))
        yield CustomerHistory(
            name,
            (_utterance(session, talk, row, zone) for row in said),
            channel,
            stages.get(cast(int, customer_id), {}),
        )


def _utterance(session: Session, talk: StoredTalk, row: Spoken, zone: ZoneInfo) -> Utterance:
    msgid, role, kind, text, sent_at, roomid = row[1], row[2], row[3], row[4], row[5], row[6]
    if kind == "text":
        text = talk.heard(text, roomid)
    parts = split_quote(text) if kind == "text" else _parts(session, msgid, text)
    sender: Sender = "agent" if role == "agent" else "customer"
    return Utterance(msgid, text, sender, kind, sent_at.astimezone(zone), parts, bool(roomid))


def _parts(session: Session, msgid: str, text: str) -> tuple[Part, ...]:
    """Read the parts of a message that is more than typed text from the JSON it came in."""
    raw = session.scalar(select(Message.raw).where(Message.msgid == msgid))
    try:
        source = read_message((raw or "").encode("utf-8", "surrogatepass"))
    except UnreadableMessageError:
        return (Part("mixed", text),)
    return tuple(Part(cast(Scope, part.scope), part.text, part.offset) for part in source.parts)


def backtest_range(part: CustomerRange, old: str, new: str) -> Backtest:
    """Backtest one range; `old` and `new` are config texts, compiled once per process."""
    before, after = _settings(old), _settings(new)
    store = Store(part.url, part.keys)
    try:
        with store.read() as session:
            return backtest(
                before.book,
                after.book,
                histories(session, part, after.zone),
                part.now,
                old_groups=before.tables.tags,
                new_groups=after.tables.tags,
            )
    finally:
        store.close()


_compiled: dict[str, Settings] = {}


def _settings(source: str) -> Settings:
    if source not in _compiled:
        _compiled[source] = parse_settings(source, examples=False)
    return _compiled[source]


def backtest_ranges(parts: Sequence[CustomerRange], old: str, new: str, processes: int) -> Iterator[Backtest]:
    """Backtest the ranges and yield the sum of those that are done, after each."""
    done: Backtest | None = None
    if processes <= 1:
        for part in parts:
            outcome = backtest_range(part, old, new)
            done = outcome if done is None else merge([done, outcome])
            yield done
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(backtest_range, part, old, new) for part in parts]):
            outcome = future.result()
            done = outcome if done is None else merge([done, outcome])
            yield done


LAST_WORDS = 3
"""Messages of the customer before a tag or a move by hand that are taken as its cause."""


def sayings_before(session: Session, since: datetime) -> dict[str, list[str]]:
    """Give for each tag the last words before a person gave it, or moved the customer to the stage of that name."""
    given = select(Tagging.tag, Tagging.customer_id, Tagging.tagged_at).where(
        Tagging.by.in_(("human", "wecom")), Tagging.tagged_at >= since
    )
    moved = select(StageMove.to_stage, StageMove.customer_id, StageMove.moved_at).where(
        StageMove.cause.in_(("drag", "wecom")), StageMove.moved_at >= since
    )
    found: dict[str, list[str]] = {}
    talk = StoredTalk(session)
    for tag, customer_id, at in [*session.execute(given), *session.execute(moved)]:
        last = (
            select(Message.text, Message.roomid)
            .where(
                Message.customer_id == customer_id,
                Message.action == "send",
                Message.role == "customer",
                Message.kind == "text",
                Message.sent_at <= at,
                Message.text != "",
                Message.unagreed.is_(False),
            )
            .order_by(Message.sent_at.desc(), Message.seq.desc(), Message.id.desc())
            .limit(LAST_WORDS)
        )
        found.setdefault(tag, []).extend(
            talk.heard(text, roomid).replace(HIDDEN, "") for text, roomid in session.execute(last)
        )
    return found


def customers_words(session: Session, since: datetime) -> Iterator[str]:
    """Stream what customers typed since then, without the mentions in groups."""
    for one in customers_utterances(session, since):
        yield one.text.replace(HIDDEN, "")


def customers_utterances(session: Session, since: datetime) -> Iterator[Utterance]:
    """Stream what customers typed since then, as the rules heard it."""
    query = select(Message.text, Message.roomid).where(
        Message.role == "customer",
        Message.action == "send",
        Message.kind == "text",
        Message.sent_at >= since,
        Message.text != "",
        Message.unagreed.is_(False),
    )
    talk = StoredTalk(session)
    for text, roomid in session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield replace(Utterance.typed(talk.heard(text, roomid)), group=bool(roomid))
