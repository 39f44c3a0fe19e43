"""Erasure on request: deletes all that is stored of a customer, what we wrote of them in WeCom, and mentions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.customers.tombstones import append_tombstone_file, hash_of, read_tombstone_file, record_tombstone
from bot.delivery.handler import OutboxHandler
from bot.intake.media.files import forget_media
from bot.intake.media.store import open_media_store
from bot.platform.database.audit_log import record
from bot.platform.models import CorpTag, Customer, Follow, GroupMember, MediaFile, Message, Outbox, Study
from bot.platform.work import Work
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of
from bot.privacy.mentions import Needles, forget_mentions, rooms_of
from bot.wecom.errors import BotError

if TYPE_CHECKING:
    from bot.system import System

KIND = "forget"


class NobodyToEraseError(BotError):
    """There is no such customer."""


@dataclass
class ErasureSummary:
    """What was erased: rows by table, files of the media store, outbox rows that clear what we wrote in WeCom."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    outbox_ids: list[int] = field(default_factory=list)


def erase(
    system: System,
    external_userid: str,
    actor: str,
    now: datetime,
    on_progress: Callable[[int], None] = lambda _: None,
) -> ErasureSummary:
    """Erase a customer; may be repeated where it was broken off. Raises NobodyToEraseError.

    First a tombstone keeps out whatever arrives meanwhile, then mentions elsewhere go, then the customer's own rows.
    on_progress: called with the number of rows looked through.
    """
    with system.store.read() as session:
        customer = session.scalar(select(Customer).where(Customer.external_userid == external_userid))
        if customer is None:
            raise NobodyToEraseError(f"没有客户 {external_userid}（或已经删除）/ no such customer, or erased before")
        needles, rooms = _needles(session, customer), rooms_of(session, customer)
        stone = hash_of(session, external_userid)
    append_tombstone_file(system.environment.var, stone, now)
    with system.store.write() as session:
        record_tombstone(session, stone, now)
    forget_mentions(system.store, needles, rooms, on_progress)
    with system.store.write() as session:
        done, contents = _erase_rows(session, customer.id, stone, actor, now)
    media = open_media_store(system)
    for content in contents:
        media.remove(content)
    done.files = len(contents)
    _truncate_wal(system)
    system.queue.enqueue_for("deliver", done.outbox_ids)
    return done


def apply_tombstones(system: System, now: datetime) -> int:
    """Erase again, after a restore, whoever was erased since the backup was made; returns how many."""
    stones = read_tombstone_file(system.environment.var)
    if not stones:
        return 0
    with system.store.write() as session:
        for stone, erased_at in stones.items():
            record_tombstone(session, stone, erased_at)
    with system.store.read() as session:
        people = session.scalars(select(Customer.external_userid)).all()
        back = [person for person in people if hash_of(session, person) in stones]
    for person in back:
        erase(system, person, "restore", now)
    return len(back)


class Forget(OutboxHandler):
    """Clears what we wrote of an erased customer at one agent's contact in WeCom: remark, description, tags."""

    def prepare(self, work: Work, system: System, row: Outbox) -> dict[str, Any]:
        return dict(row.payload)

    def call(self, system: System, payload: Mapping[str, Any]) -> dict[str, Any]:
        who = {"userid": payload["userid"], "external_userid": payload["external_userid"]}
        cleared = {"remark": "", "description": "", "remark_company": "", "remark_mobiles": [""]}
        system.wecom.post("externalcontact/remark", data={**who, **cleared})
        if payload["tag_ids"]:
            system.wecom.mark_tag(who["userid"], who["external_userid"], remove=payload["tag_ids"])
        return {}

    def record(self, work: Work, row: Outbox, result: Mapping[str, Any]) -> None:
        row.payload = {}

    def give_up(self, work: Work, row: Outbox, state: str, why: str) -> None:
        row.payload = {}


def _needles(session: Session, customer: Customer) -> Needles:
    follows = session.scalars(select(Follow).where(Follow.customer_id == customer.id)).all()
    names = {customer.name, *(follow.remark for follow in follows)}
    agents = {follow.agent_id for follow in follows}
    return Needles(
        customer.external_userid, frozenset(n for n in names if len(n) > 1), frozenset(agents), customer.id
    )


def _erase_rows(
    session: Session, customer_id: int, stone: str, actor: str, now: datetime
) -> tuple[ErasureSummary, list[str]]:
    customer = session.get_one(Customer, customer_id, with_for_update=True)
    forgets = [_forget_row(session, follow, now) for follow in customer.follows if follow.ended_at is None]
    session.execute(delete(GroupMember).where(GroupMember.person == customer.external_userid))
    dependent = dependent_rows_of(session, Customer, [customer_id])
    messages = [key[0] for key in dependent.get(_table(Message), [])]
    contents = _forget_files(session, messages)
    dependent.pop(_table(MediaFile), None)
    in_rooms = set(
        session.scalars(select(Message.id).where(Message.customer_id == customer_id, Message.roomid != ""))
    )
    dependent[_table(Message)] = [(one,) for one in messages if one not in in_rooms]
    blank = {"text": "", "line": "", "raw": "", "sender": "", "customer_id": None}
    session.execute(update(Message).where(Message.customer_id == customer_id, Message.roomid != "").values(blank))
    _end_studies(session, now)
    rows = delete_dependent_rows(session, {table: keys for table, keys in dependent.items() if keys})
    record(session, actor, "customer.erase", f"tombstone:{stone[:16]}", now, rows=rows)
    session.add_all(forgets)
    session.flush()
    return ErasureSummary(
        rows | {"group_messages_blanked": len(in_rooms)}, outbox_ids=[row.id for row in forgets]
    ), contents


def _forget_row(session: Session, follow: Follow, now: datetime) -> Outbox:
    ours = {one for ids in follow.marked.values() for one in _as_ids(ids)}
    by_name = select(CorpTag.tag_id).where(CorpTag.name.in_(follow.tags), CorpTag.pipeline.is_(None))
    tag_ids = sorted(ours | set(session.scalars(by_name)))
    return Outbox(
        key=f"{KIND}:{secrets.token_hex(8)}",  # it outlives the row of the customer and must not tell who they were
        kind=KIND,
        payload={
            "userid": follow.agent.userid, "external_userid": follow.customer.external_userid, "tag_ids": tag_ids,
        },
        created_at=now,
        not_before=now,
    )  # fmt: skip


def _as_ids(ids: Any) -> Sequence[str]:
    return [str(one) for one in ids] if isinstance(ids, list | tuple) else [str(ids)]


def _forget_files(session: Session, messages: Sequence[int]) -> list[str]:
    return [c for start in range(0, len(messages), 400) for c in forget_media(session, messages[start : start + 400])]


def _end_studies(session: Session, now: datetime) -> None:
    """Delete studies of the rules, since they hold samples of what people said; they can be run again."""
    over = ("done", "cancelled", "failed")
    session.execute(delete(Study).where(Study.state.in_(over)))
    session.execute(
        update(Study).values(state="cancelled", result={}, why="一位客户被删除，请重新运行", ended_at=now)
    )


def _table(model: Any) -> Any:
    return model.__table__


def _truncate_wal(system: System) -> None:
    """Empty SQLite's write-ahead log, which still holds what was overwritten; with busy readers it happens later."""
    if system.store.engine.dialect.name == "sqlite":
        with system.store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
