"""Card closing: takes the buttons off cards on agents' phones once their step has ended, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from bot.platform.models import Outbox, SopTask
from bot.platform.work import About, Work
from sop.cards import CODE_LIVES, closing_label, closing_word

_WORD_WAITS = timedelta(days=1)  # a word that could not be sent for so long is not worth sending


def cancel_cards(work: Work, task_ids: Sequence[int], reason: str) -> None:
    """Keep cards that still wait in the outbox from leaving, and close those that are on a phone."""
    if not task_ids:
        return
    work.session.flush()  # a card put out in this very transaction must be found as well
    cards = select(Outbox).where(
        Outbox.task_id.in_(task_ids), Outbox.kind == "card", Outbox.state.in_(("waiting", "sent"))
    )
    for row in work.session.scalars(cards):
        if row.state == "waiting":
            row.state, row.error, row.done_at = "cancelled", reason[:500], work.now
        else:
            close_card(work, row, reason)


def close_card(work: Work, card: Outbox, reason: str) -> None:
    """Have one card that was sent show why its step has ended; each card once, and only if it has buttons."""
    code = (card.result or {}).get("response_code")
    userid = card.payload.get("userid")
    if not code or not userid:
        return
    task = work.session.get(SopTask, card.task_id) if card.task_id else None
    payload = {
        "response_code": code,
        "userid": userid,
        "settled": closing_label(reason),
        "word": closing_word(task.customer.name if task is not None else "", reason),
        "until": ((card.done_at or card.created_at) + CODE_LIVES).isoformat(),
    }
    about = About(customer_id=card.customer_id, agent_id=card.agent_id, task_id=card.task_id)
    row = work.send_once("card_change", f"card_close:{card.id}", payload, about)
    if row is not None:
        row.deadline = work.now + _WORD_WAITS
