"""Mentions: finds where an erased customer is mentioned in rows that are not their own, and blanks those places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.tombstones import GONE
from bot.platform.database.store import Store
from bot.platform.models import (
    AuditEntry,
    CallbackEvent,
    Customer,
    GroupChat,
    GroupMember,
    Message,
    Model,
    Outbox,
    OwnWording,
    Report,
    Status,
)

AT_ONCE = 500
_REBUILT = ("card", "text")  # what a handler makes anew when it prepares a waiting row
_OPEN = ("waiting", "sending")


@dataclass(frozen=True)
class Needles:
    """What to look for. names: name and remarks, which count only near their agents, since names are not unique."""

    external_userid: str
    names: frozenset[str]
    agent_ids: frozenset[int]
    customer_id: int

    def hit(self, words: str, *, by_name: bool) -> bool:
        """Whether a text mentions them."""
        return self.external_userid in words or (by_name and any(name in words for name in self.names))

    def blanked(self, words: str) -> str:
        """The text with every mention blanked, long names first, since one may contain another."""
        for needle in sorted((self.external_userid, *self.names), key=len, reverse=True):
            words = words.replace(needle, GONE)
        return words


def rooms_of(session: Session, customer: Customer) -> frozenset[str]:
    """The rooms they were in or spoke in."""
    member = select(GroupChat.chat_id).join(GroupMember).where(GroupMember.person == customer.external_userid)
    spoke = select(Message.roomid).where(Message.customer_id == customer.id, Message.roomid != "").distinct()
    return frozenset([*session.scalars(member), *session.scalars(spoke)])


def forget_mentions(
    store: Store, needles: Needles, rooms: frozenset[str], on_progress: Callable[[int], None]
) -> None:
    """Look through rows that are not the customer's own; each step is a transaction, and all may be repeated."""
    _change_each(store, CallbackEvent, (), lambda _, row: _forget_in_event(row, needles), on_progress)
    _change_each(store, Outbox, (), lambda session, row: _forget_in_outbox(session, row, needles), on_progress)
    _change_each(store, AuditEntry, (), lambda _, row: _forget_in_audit(row, needles), on_progress)
    if rooms:
        told = (Message.roomid.in_(sorted(rooms)), Message.customer_id.is_distinct_from(needles.customer_id))
        _change_each(
            store, Message, told, lambda _, row: _blank_columns(row, needles, "text", "line", "raw"), on_progress
        )
        beside = Customer.id.in_(select(Message.customer_id).where(Message.roomid.in_(sorted(rooms))))
        others = (beside, Customer.id != needles.customer_id)
        _change_each(store, Customer, others, lambda _, row: _blank_columns(row, needles, "last_words"), on_progress)
    near = (OwnWording.agent_id.in_(sorted(needles.agent_ids)),)
    _change_each(
        store, OwnWording, near, lambda _, row: _blank_columns(row, needles, "ask", "say", "category"), on_progress
    )
    with store.write() as session:
        for status in session.scalars(select(Status)):
            if needles.hit(_dumped(status.value), by_name=False):
                status.value = orjson.loads(needles.blanked(_dumped(status.value)))
        for report in session.scalars(select(Report)):
            if needles.hit(_dumped(report.tables), by_name=True):
                session.delete(report)


def _change_each(
    store: Store,
    model: type[Any],
    where: Sequence[Any],
    change: Callable[[Session, Any], None],
    on_progress: Callable[[int], None],
) -> None:
    after = 0
    while True:
        with store.write() as session:
            query = select(model).where(model.id > after, *where).order_by(model.id).limit(AT_ONCE)
            rows: list[Model] = list(session.scalars(query).unique())
            for row in rows:
                change(session, row)
            if not rows:
                return
            after = rows[-1].id  # type: ignore[attr-defined]
        on_progress(len(rows))


def _forget_in_event(row: CallbackEvent, needles: Needles) -> None:
    """Blank a callback that was handled; its digest stays, so that a repeat by WeCom is still recognised."""
    if row.raw_xml and row.handled_at is not None and needles.hit(row.raw_xml, by_name=True):
        row.raw_xml = ""


def _forget_in_outbox(session: Session, row: Outbox, needles: Needles) -> None:
    if row.customer_id is not None:
        return  # their own rows are deleted with them, and another customer's row speaks of that customer
    near = row.agent_id in needles.agent_ids
    if not needles.hit(_dumped([row.payload, row.result]) + row.key, by_name=near):
        return
    if row.state not in _OPEN:
        row.payload, row.result = {}, {}
    elif row.kind == "app_text":
        session.delete(row)
    else:
        row.payload = {key: value for key, value in row.payload.items() if key not in _REBUILT}
        row.payload = orjson.loads(needles.blanked(_dumped(row.payload)))
    if needles.external_userid in row.key:
        row.key = f"{GONE}:{row.id}"


def _forget_in_audit(row: AuditEntry, needles: Needles) -> None:
    """Blank the detail of an entry; the chain covers it by a hash only and stays valid without it."""
    if row.detail and needles.hit(_dumped(row.detail), by_name=True):
        row.detail = {}


def _blank_columns(row: Message | Customer | OwnWording, needles: Needles, *columns: str) -> None:
    """Blank what others said or wrote: the raw JSON of rooms lists who was there, and texts may name the customer."""
    for name in columns:
        words = getattr(row, name)
        if needles.hit(words, by_name=True):
            setattr(row, name, needles.blanked(words))


def _dumped(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
