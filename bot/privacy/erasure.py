"""Erases a person on request: all that is stored of him here, what we wrote of him in WeCom, and his way back."""

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
class Erased:
    """What was erased: rows by table, files of the media store, errands to WeCom."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    errands: list[int] = field(default_factory=list)


def erase(
    system: System, external_userid: str, actor: str, now: datetime, seen: Callable[[int], None] = lambda _: None
) -> Erased:
    """Erase a customer; may be repeated where it was broken off. Raises NobodyToEraseError.

    First a tombstone keeps whatever arrives meanwhile away, then what mentions him elsewhere goes, then all of his.
    seen: told how many rows were looked through.
    """
    with system.store.read() as session:
        customer = session.scalar(select(Customer).where(Customer.external_userid == external_userid))
        if customer is None:
            raise NobodyToEraseError(f"没有客户 {external_userid}（或已经删除）/ no such customer, or erased before")
        needles, rooms, stone = (
            _needles(session, customer),
            rooms_of(session, customer),
            hash_of(session, external_userid),
        )
    append_tombstone_file(system.environment.var, stone, now)
    with system.store.write() as session:
        record_tombstone(session, stone, now)
    forget_mentions(system.store, needles, rooms, seen)
    with system.store.write() as session:
        done, contents = _erase_rows(session, customer.id, stone, actor, now)
    media = open_media_store(system)
    for content in contents:
        media.remove(content)
    done.files = len(contents)
    _settle(system)
    system.queue.enqueue_for("deliver", done.errands)
    return done


def apply_tombstones(system: System, now: datetime) -> int:
    """After an old backup was restored: erase again whoever was erased since; returns how many came back for it."""
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
    """Clear what we wrote of an erased person at one agent's contact in WeCom: remark, description, tags."""

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
) -> tuple[Erased, list[str]]:
    customer = session.get_one(Customer, customer_id, with_for_update=True)
    errands = [_errand(session, follow, now) for follow in customer.follows if follow.ended_at is None]
    session.execute(delete(GroupMember).where(GroupMember.person == customer.external_userid))
    kin = dependent_rows_of(session, Customer, [customer_id])
    messages = [key[0] for key in kin.get(_table(Message), [])]
    contents = _forget_files(session, messages)
    kin.pop(_table(MediaFile), None)
    in_rooms = set(
        session.scalars(select(Message.id).where(Message.customer_id == customer_id, Message.roomid != ""))
    )
    kin[_table(Message)] = [(one,) for one in messages if one not in in_rooms]
    blank = {"text": "", "line": "", "raw": "", "sender": "", "customer_id": None}
    session.execute(update(Message).where(Message.customer_id == customer_id, Message.roomid != "").values(blank))
    _end_studies(session, now)
    rows = delete_dependent_rows(session, {table: keys for table, keys in kin.items() if keys})
    record(session, actor, "customer.erase", f"tombstone:{stone[:16]}", now, rows=rows)
    session.add_all(errands)
    session.flush()
    return Erased(rows | {"group_messages_blanked": len(in_rooms)}, errands=[row.id for row in errands]), contents


def _errand(session: Session, follow: Follow, now: datetime) -> Outbox:
    ours = {one for ids in follow.marked.values() for one in _flat(ids)}
    by_name = select(CorpTag.tag_id).where(CorpTag.name.in_(follow.tags), CorpTag.pipeline.is_(None))
    tag_ids = sorted(ours | set(session.scalars(by_name)))
    return Outbox(
        key=f"{KIND}:{secrets.token_hex(8)}",  # it outlives the row of the customer and must not tell who he was
        kind=KIND,
        payload={
            "userid": follow.agent.userid, "external_userid": follow.customer.external_userid, "tag_ids": tag_ids,
        },
        created_at=now,
        not_before=now,
    )  # fmt: skip


def _flat(ids: Any) -> Sequence[str]:
    return [str(one) for one in ids] if isinstance(ids, list | tuple) else [str(ids)]


def _forget_files(session: Session, messages: Sequence[int]) -> list[str]:
    return [c for start in range(0, len(messages), 400) for c in forget_media(session, messages[start : start + 400])]


def _end_studies(session: Session, now: datetime) -> None:
    """Studies of the rules hold samples of what people said; they can be run again."""
    over = ("done", "cancelled", "failed")
    session.execute(delete(Study).where(Study.state.in_(over)))
    session.execute(
        update(Study).values(state="cancelled", result={}, why="一位客户被删除，请重新运行", ended_at=now)
    )


def _table(model: Any) -> Any:
    return model.__table__


def _settle(system: System) -> None:
    """SQLite keeps what was overwritten in its log until that is emptied; busy readers only put it off."""
    if system.store.engine.dialect.name == "sqlite":
        with system.store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
