"""Card closing: takes the buttons off cards on agents' phones once their step has ended, and says why."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import OPEN_STATES
from bot.platform.batch import Batch
from bot.platform.models import Outbox, SopTask
from bot.platform.work import About, Work
from sop.cards import CODE_LIVES, ERASED, SENT, closing_label, closing_word

_KIND = "card_change"
_WITH_BUTTONS = ("card", "nudge")
_AT_ONCE = 500
_WORD_WAITS = timedelta(days=1)  # a word that could not be sent for so long is not worth sending


def cancel_cards(work: Work, task_ids: Sequence[int], reason: str) -> None:
    """Keep cards that still wait in the outbox from leaving, and close those that are on a phone."""
    if not task_ids:
        return
    if work.batch is not None:
        _cancel_later(work, work.batch, task_ids, reason)
        return
    work.session.flush()  # a card put out in this very transaction must be found as well
    cards = select(Outbox).where(
        Outbox.task_id.in_(task_ids), Outbox.kind.in_(_WITH_BUTTONS), Outbox.state.in_(("waiting", "sent"))
    )
    for row in work.session.scalars(cards):
        if row.state == "waiting":
            row.state, row.error, row.done_at = "cancelled", reason[:500], work.now
        else:
            close_card(work, row, reason)


def close_card(work: Work, card: Outbox, reason: str) -> None:
    """Have one card that was sent show why its step has ended; each card once, and only if it has buttons."""
    payload = _closing(work, card, reason)
    if payload is None:
        return
    row = work.send_once(_KIND, _key(card), payload, _about(card))
    if row is not None:
        row.deadline = work.now + _WORD_WAITS


def close_other_cards(work: Work, task: SopTask, clicked: str) -> None:
    """Close the other cards of a task that a click has settled. clicked: WeCom's task_id of the card clicked."""
    cards = select(Outbox).where(
        Outbox.task_id == task.id, Outbox.kind.in_(_WITH_BUTTONS), Outbox.state == "sent"
    )  # fmt: skip
    for row in work.session.scalars(cards):
        if row.payload.get("card", {}).get("task_id") != clicked:
            close_card(work, row, task.ended_because or SENT)


def close_of_erased(session: Session, customer_id: int, now: datetime) -> list[Outbox]:
    """Rows that take the buttons off the open cards of a customer who is erased; they do not tell who that was, and
    are to be stored once nothing points to the customer any more."""
    open_cards = (
        select(Outbox)
        .join(SopTask, SopTask.id == Outbox.task_id)
        .where(SopTask.customer_id == customer_id, SopTask.state.in_(OPEN_STATES))
        .where(Outbox.kind.in_(_WITH_BUTTONS), Outbox.state == "sent")
    )
    cards = [card for card in session.scalars(open_cards) if (card.result or {}).get("response_code")]
    return [_nameless(card, now) for card in cards if card.payload.get("userid")]


def _nameless(card: Outbox, now: datetime) -> Outbox:
    payload = {
        "response_code": (card.result or {})["response_code"],
        "userid": card.payload["userid"],
        "settled": closing_label(ERASED),
        "word": "",
        "until": ((card.done_at or card.created_at) + CODE_LIVES).isoformat(),
    }
    times = {"created_at": now, "not_before": now, "deadline": now + CODE_LIVES}
    return Outbox(key=f"{_KIND}:{secrets.token_hex(8)}", kind=_KIND, payload=payload, **times)


def cancel_cards_of_batch(work: Work) -> None:
    """Cancel or close the stored cards whose tasks ended in a batch, however many, by two questions for every 500."""
    if work.batch is None or not work.batch.withdrawn:
        return
    cards = list(_stored_cards(work, list(work.batch.withdrawn)))
    closed = _closed_before(work, [card for card in cards if card.state == "sent"])
    for card in cards:
        reason = work.batch.withdrawn[card.task_id or 0]
        if card.state == "waiting":
            card.state, card.error, card.done_at = "cancelled", reason[:500], work.now
        elif _key(card) not in closed and (payload := _closing(work, card, reason)) is not None:
            work.send(_KIND, _key(card), payload, _about(card)).deadline = work.now + _WORD_WAITS
    work.batch.withdrawn.clear()


def _cancel_later(work: Work, batch: Batch, task_ids: Sequence[int], reason: str) -> None:
    """Cancel the cards that this batch put out, and note whose stored ones are to be cancelled or closed."""
    for row in work.leaving:
        if row.task_id in task_ids and row.kind in _WITH_BUTTONS and row.state == "waiting":
            row.state, row.error, row.done_at = "cancelled", reason[:500], work.now
    for task_id in task_ids:
        batch.withdrawn.setdefault(task_id, reason)


def _stored_cards(work: Work, task_ids: Sequence[int]) -> Iterator[Outbox]:
    for start in range(0, len(task_ids), _AT_ONCE):
        cards = select(Outbox).where(
            Outbox.task_id.in_(task_ids[start : start + _AT_ONCE]), Outbox.kind.in_(_WITH_BUTTONS),
            Outbox.state.in_(("waiting", "sent")),
        )  # fmt: skip
        yield from work.session.scalars(cards.order_by(Outbox.id)).all()


def _closed_before(work: Work, cards: Sequence[Outbox]) -> set[str]:
    keys = [_key(card) for card in cards]
    return {
        key
        for start in range(0, len(keys), _AT_ONCE)
        for key in work.session.scalars(select(Outbox.key).where(Outbox.key.in_(keys[start : start + _AT_ONCE])))
    }


def _closing(work: Work, card: Outbox, reason: str) -> Mapping[str, Any] | None:
    code = (card.result or {}).get("response_code")
    userid = card.payload.get("userid")
    if not code or not userid:
        return None
    task = work.session.get(SopTask, card.task_id) if card.task_id else None
    return {
        "response_code": code,
        "userid": userid,
        "settled": closing_label(reason),
        "word": closing_word(task.customer.name if task is not None else "", reason),
        "until": ((card.done_at or card.created_at) + CODE_LIVES).isoformat(),
    }


def _about(card: Outbox) -> About:
    return About(customer_id=card.customer_id, agent_id=card.agent_id, task_id=card.task_id)


def _key(card: Outbox) -> str:
    return f"card_close:{card.id}"
