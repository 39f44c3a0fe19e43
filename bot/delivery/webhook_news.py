"""Webhook news: notes what changes in a transaction, and has those told of it who asked, as it is committed.

Many places give tags, move cards and change tasks. They are heard here by the rows themselves, so that none of them
has to think of it; where no webhook asks, a commit costs no statement.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, object_session

from bot.delivery.webhook_words import TELLERS, TOLD_STATES
from bot.delivery.webhooks import put_out
from bot.platform import clock
from bot.platform.models import Customer, Follow, Order, SopTask, StageMove, Tagging, Webhook, WebhookDelivery
from bot.platform.work import WORK, Work

_NEWS = "webhook_news"
_KNOWN_FOR = 2.0  # seconds for which it is remembered who asks for what
_NEW = {StageMove: "stage", Tagging: "tag", Order: "order"}
_LISTENING: list[bool] = []
Asking = tuple[int, frozenset[str], bool]
_asking: dict[str, tuple[float, tuple[Asking, ...]]] = {}
News = dict[tuple[str, int], tuple[str, Any, str]]
"""By kind and identity of a row: the kind, the row, and the value that made it news."""


def listen() -> None:
    """Hear of changes in all sessions of this process; calling it again does nothing."""
    if _LISTENING:
        return
    _LISTENING.append(True)
    event.listen(Session, "transient_to_pending", _on_new)
    event.listen(SopTask.state, "set", _on_task)
    event.listen(Tagging.removed_at, "set", _on_removed)
    event.listen(Order.taken_at, "set", _on_order)
    event.listen(Follow.waiting_told, "set", _on_waiting)
    event.listen(Session, "before_commit", _on_commit)


def forget_who_asks() -> None:
    """Look anew who asks for what: a webhook was made or switched."""
    _asking.clear()


def _on_new(session: Session, row: Any) -> None:
    found = _NEW.get(type(row))
    if found is not None:
        _note(session, found, row, "")


def _on_task(task: SopTask, value: str, before: Any, _initiator: Any) -> None:
    session = object_session(task)
    if session is not None and value != before and value in TOLD_STATES:
        _note(session, "task", task, value)


def _on_removed(tagging: Tagging, value: datetime | None, _before: Any, _initiator: Any) -> None:
    session = object_session(tagging)
    if session is not None and value is not None:
        _note(session, "tag", tagging, "taken")


def _on_order(order: Order, _value: Any, _before: Any, _initiator: Any) -> None:
    session = object_session(order)
    if session is not None:
        _note(session, "order", order, "changed")


def _on_waiting(follow: Follow, value: Mapping[str, Any], before: Any, _initiator: Any) -> None:
    session = object_session(follow)
    if session is not None and value and len(value) > len(before if isinstance(before, dict) else {}):
        _note(session, "waiting", follow, "")


def _note(session: Session, kind: str, row: Any, value: str) -> None:
    news: News = session.info.setdefault(_NEWS, {})
    known = news.get((kind, id(row)))
    news[kind, id(row)] = (kind, row, known[2] if known is not None and kind == "order" else value)


def _on_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    news: News = session.info.pop(_NEWS, {})
    if not news:
        return
    asking = _who_asks(session)
    for kind, row, value in news.values() if asking else ():
        if _is_kept(session, kind, row, value):
            _tell(session, asking, kind, (row, value))


def _is_kept(session: Session, kind: str, row: Any, value: str) -> bool:
    """Whether the change is part of what is committed: a piece of it may have been taken back."""
    if row not in session or inspect(row).deleted or row in session.deleted:
        return False
    return kind != "task" or row.state == value


def _who_asks(session: Session) -> tuple[Asking, ...]:
    """Id, events and whether words may be sent, of the webhooks in force."""
    place = str(session.get_bind().engine.url)
    known = _asking.get(place)
    if known is None or time.monotonic() - known[0] > _KNOWN_FOR:
        columns = select(Webhook.id, Webhook.events, Webhook.words).where(Webhook.disabled_at.is_(None))
        with session.no_autoflush:
            rows = session.execute(columns).all()
        known = time.monotonic(), tuple((number, frozenset(events), words) for number, events, words in rows)
        _asking[place] = known
    return known[1]


def _tell(session: Session, asking: Sequence[Asking], kind: str, what: tuple[Any, str]) -> None:
    row, value = what
    customer = session.get(Customer, row.customer_id)
    if customer is None:
        return
    work: Work | None = session.info.get(WORK)
    now = work.now if work is not None else clock.now()
    name, plain, words = TELLERS[kind](session, row, value)
    who = {"external_userid": customer.external_userid, "unionid": customer.unionid}
    for number, _, with_words in [one for one in asking if kind in one[1]]:
        named = who | ({"name": customer.name} if with_words else {})
        data = {"customer": named, **plain, **(words if with_words else {})}
        delivery = WebhookDelivery(
            ref=f"msg_{secrets.token_hex(12)}", webhook_id=number, customer_id=customer.id, event=name,
            body={"type": name, "timestamp": now.isoformat(), "data": data}, state="waiting", attempts=0, rounds=1,
            why="", created_at=now,
        )  # fmt: skip
        session.add(delivery)
        leaving = put_out(session, delivery, now)
        if work is not None:
            work.leaving.append(leaving)
