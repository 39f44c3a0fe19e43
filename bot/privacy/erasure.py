"""Erasure on request: deletes all that is stored of a customer, what we wrote of them in WeCom, and mentions."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.customers.tombstones import append_tombstone_file, hash_of, read_tombstone_file, record_tombstone
from bot.delivery.handler import OutboxHandler
from bot.delivery.rows import LEASE_SECONDS
from bot.intake.media.files import forget_media
from bot.intake.media.store import open_media_store
from bot.platform.database.alarms import clear_alarm, raise_alarm
from bot.platform.database.audit_log import record
from bot.platform.database.rows_sealed import update_rows
from bot.platform.log import get_logger
from bot.platform.models import CorpTag, Customer, Erasure, Follow, GroupMember, MediaFile, Message, Outbox, Study
from bot.platform.models.sealed import DAMAGED, damage_tolerated
from bot.platform.work import Work
from bot.privacy.dependent_rows import delete_dependent_rows, dependent_rows_of
from bot.privacy.mentions import Needles, forget_mentions, rooms_of
from bot.sops.card_closing import close_of_erased
from bot.wecom.errors import BotError
from taggers.translatable import Translatable

if TYPE_CHECKING:
    from bot.system import System

KIND = "forget"
ALARM, STUCK_AFTER = "erasure.stuck", 3
LONGEST_WAIT = 3600  # seconds between two attempts
_log = get_logger(__name__)


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
    """Erase a customer at once. Raises NobodyToEraseError; after any other error a worker goes on with it.

    on_progress: called with the number of rows looked through.
    """
    return carry_out(system, ask_erasure(system, external_userid, actor, now), now, on_progress)


def ask_erasure(system: System, external_userid: str, actor: str, now: datetime) -> int:
    """Put a customer's erasure down as a row, which is tried until it is done. Raises NobodyToEraseError.

    From then on a tombstone keeps out whatever arrives.
    """
    with system.store.read() as session:
        if session.scalar(select(Customer.id).where(Customer.external_userid == external_userid)) is None:
            raise NobodyToEraseError(f"没有客户 {external_userid}（或已经删除）/ no such customer, or erased before")
        stone = hash_of(session, external_userid)
    append_tombstone_file(system.environment.var, stone, now)
    with system.store.write() as session:
        record_tombstone(session, stone, now)
        known = session.scalars(select(Erasure).where(Erasure.stone == stone, Erasure.done_at.is_(None))).first()
        if known is None:
            known = Erasure(stone=stone, person=external_userid, actor=actor[:80], asked_at=now, not_before=now)
            known.receipt, known.error = {}, ""
            session.add(known)
            session.flush()
        return known.id


def carry_out(
    system: System, erasure_id: int, now: datetime, on_progress: Callable[[int], None] = lambda _: None
) -> ErasureSummary:
    """Carry one erasure out, or go on where an attempt was broken off: every step may be repeated.

    Mentions elsewhere go first, then the customer's own rows and the note which files are left, then these files.
    """
    with system.store.read() as session, damage_tolerated():
        asked = session.get_one(Erasure, erasure_id)
        customer = _customer_of(session, asked)
        known = (_needles(session, customer), rooms_of(session, customer)) if customer is not None else None
    done = ErasureSummary()
    if customer is not None and known is not None:
        with damage_tolerated():
            forget_mentions(system.store, *known, on_progress)
        with system.store.write() as session, damage_tolerated():
            done = _erase_rows(session, customer.id, session.get_one(Erasure, erasure_id), now)
    done.files = _remove_files(system, erasure_id)
    _truncate_wal(system)
    with system.store.write() as session:
        row = session.get_one(Erasure, erasure_id)
        row.person, row.error, row.done_at = "", "", row.done_at or now
    if system.known_redis_url is not None:
        system.queue.enqueue_for("deliver", done.outbox_ids)
    return done


def waiting_erasures(session: Session, now: datetime) -> list[int]:
    """The ids of the erasures that are not done and whose next attempt is due."""
    due = select(Erasure.id).where(Erasure.done_at.is_(None), Erasure.not_before <= now)
    return list(session.scalars(due.order_by(Erasure.id)))


def continue_erasures(system: System, now: datetime) -> int:
    """Carry out the erasures that wait; returns how many are done now. One that fails is tried later, and told of."""
    with system.store.read() as session:
        waiting = waiting_erasures(session, now)
    done = sum(attempt_erasure(system, erasure_id, now) for erasure_id in waiting)
    with system.store.write() as session:
        _tell_stuck(session, now)
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
        ask_erasure(system, person, "restore", now)
    continue_erasures(system, now)
    return len(back)


def attempt_erasure(system: System, erasure_id: int, now: datetime) -> bool:
    """Try one erasure; where it fails, the row says why and when it is tried again."""
    try:
        _count_attempt(system, erasure_id, now)
        carry_out(system, erasure_id, now)
    except Exception as error:
        _log.exception("erasure broken off", erasure=erasure_id, error=type(error).__name__)
        with suppress(SQLAlchemyError), system.store.write() as session:
            session.get_one(Erasure, erasure_id).error = f"{type(error).__name__}: {error}"[:200]
        return False
    return True


def _count_attempt(system: System, erasure_id: int, now: datetime) -> None:
    """Before it begins, so that one which kills the process counts as well."""
    with system.store.write() as session:
        row = session.get_one(Erasure, erasure_id)
        row.attempts += 1
        row.not_before = now + timedelta(seconds=min(LONGEST_WAIT, 15 * 2**row.attempts))


def _customer_of(session: Session, asked: Erasure) -> Customer | None:
    if asked.person != DAMAGED:
        return session.scalar(select(Customer).where(Customer.external_userid == asked.person))
    people = session.scalars(select(Customer.external_userid)).all()
    found = next((person for person in people if hash_of(session, person) == asked.stone), "")
    return session.scalar(select(Customer).where(Customer.external_userid == found))


def _tell_stuck(session: Session, now: datetime) -> None:
    stuck = select(func.count()).where(Erasure.done_at.is_(None), Erasure.attempts >= STUCK_AFTER)
    count = session.scalar(stuck) or 0
    if count:
        said = Translatable("有 {n} 位客户还没有删完，会一直重试；原因见 flask privacy erasures", n=count)
        raise_alarm(session, ALARM, said, now)
    else:
        clear_alarm(session, ALARM, now)


def _remove_files(system: System, erasure_id: int) -> int:
    """Remove the contents that the rows referred to; which these are is kept until they are gone."""
    with system.store.read() as session:
        contents = session.get_one(Erasure, erasure_id).receipt.get("contents", [])
    media = open_media_store(system)
    for content in contents:
        media.remove(content)
    with system.store.write() as session:
        row = session.get_one(Erasure, erasure_id)
        row.receipt = {name: value for name, value in row.receipt.items() if name != "contents"}
    return len(contents)


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
    names = {name for name in names if len(name) > 1 and name != DAMAGED}
    agents = {follow.agent_id for follow in follows}
    return Needles(customer.external_userid, frozenset(names), frozenset(agents), customer.id)


def _erase_rows(session: Session, customer_id: int, asked: Erasure, now: datetime) -> ErasureSummary:
    customer = session.get(Customer, customer_id, with_for_update=True)
    if customer is None:  # another process was quicker
        return ErasureSummary()
    due = now + timedelta(seconds=LEASE_SECONDS if _is_marked(session, customer_id) else 0)
    forgets = [_forget_row(session, follow, now, due) for follow in customer.follows if follow.ended_at is None]
    closings = close_of_erased(session, customer_id, now)
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
    rows |= {"group_messages_blanked": len(in_rooms)}
    session.add_all([*forgets, *closings])
    asked.receipt = {"rows": rows, "files": len(contents), "contacts": len(forgets), "contents": contents}
    record(session, asked.actor, "customer.erase", f"tombstone:{asked.stone[:16]}", now, rows=rows)
    return ErasureSummary(rows, outbox_ids=[row.id for row in (*forgets, *closings)])


def _is_marked(session: Session, customer_id: int) -> bool:
    """Whether a tag is being set at this moment: what is cleared before that has ended would come again."""
    sending = (Outbox.kind == "mark_tag", Outbox.customer_id == customer_id, Outbox.state == "sending")
    return session.scalar(select(Outbox.id).where(*sending).limit(1)) is not None


def _forget_row(session: Session, follow: Follow, now: datetime, due: datetime) -> Outbox:
    known = (follow.marked, follow.marking, follow.shown)
    ours = {one for by_group in known for ids in by_group.values() for one in _as_ids(ids)}
    # Only those that the library has: WeCom refuses the whole call for one tag that was deleted.
    here = select(CorpTag.tag_id).where(or_(CorpTag.tag_id.in_(ours), CorpTag.name.in_(follow.tags)))
    tag_ids = sorted(session.scalars(here))
    return Outbox(
        key=f"{KIND}:{secrets.token_hex(8)}",  # it outlives the row of the customer and must not tell who they were
        kind=KIND,
        payload={
            "userid": follow.agent.userid, "external_userid": follow.customer.external_userid, "tag_ids": tag_ids,
        },
        created_at=now,
        not_before=due,
    )  # fmt: skip


def _as_ids(ids: Any) -> Sequence[str]:
    return [str(one) for one in ids] if isinstance(ids, list | tuple) else [str(ids)]


def _forget_files(session: Session, messages: Sequence[int]) -> list[str]:
    return [c for start in range(0, len(messages), 400) for c in forget_media(session, messages[start : start + 400])]


def _end_studies(session: Session, now: datetime) -> None:
    """Delete studies of the rules, since they hold samples of what people said; they can be run again."""
    over = ("done", "cancelled", "failed")
    session.execute(delete(Study).where(Study.state.in_(over)))
    running = session.scalars(select(Study.id)).all()
    why = "一位客户被删除，请重新运行"
    update_rows(session, Study, running, {"state": "cancelled", "result": {}, "why": why, "ended_at": now})


def _table(model: Any) -> Any:
    return model.__table__


def _truncate_wal(system: System) -> None:
    """Empty SQLite's write-ahead log, which still holds what was overwritten; with busy readers it happens later."""
    if system.store.engine.dialect.name == "sqlite":
        with system.store.engine.connect() as connection:
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
