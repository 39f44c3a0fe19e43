"""Handovers: opens one when a customer passes to a colleague, and notes how far its checklist has come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.models import Follow, Handover, Order
from bot.platform.work import Work

Cause = Literal["transfer", "order", "hand"]


def open_handover(work: Work, customer_id: int, giver_id: int | None, taker_id: int | None, cause: Cause) -> Handover:
    """Open a handover, or let the one that is open go on with a taker; the same once more is the same one."""
    known = handover_of(work.session, customer_id)
    if known is not None and known.accepted_at is None:
        if taker_id is not None and known.taker_id != taker_id:
            known.giver_id, known.taker_id, known.told_at = giver_id, taker_id, None
        return known
    if known is not None and known.taker_id == taker_id and cause == "transfer":
        return known
    row = Handover(
        customer_id=customer_id, giver_id=giver_id, taker_id=taker_id, cause=cause, ticks={}, created_at=work.now
    )
    work.session.add(row)
    return row


def open_by_first_payment(work: Work, customer_id: int, follows: Sequence[Follow]) -> None:
    """The first order that was paid opens one, where the config says so; whoever has the customer is told."""
    if not work.settings.tables.handover.first_payment or not follows:
        return
    work.session.flush()
    paid = select(func.count(Order.id)).where(Order.customer_id == customer_id, Order.status == "paid")
    if work.session.scalar(paid) == 1 and handover_of(work.session, customer_id) is None:
        giver = max(follows, key=lambda follow: follow.last_talk_at or follow.added_at)
        open_handover(work, customer_id, giver.agent_id, None, "order")


def handover_of(session: Session, customer_id: int) -> Handover | None:
    """The latest handover of a customer."""
    mine = select(Handover).where(Handover.customer_id == customer_id)
    return session.scalars(mine.order_by(Handover.id.desc()).limit(1)).first()


def tick(work: Work, row: Handover, item: str, actor: str, *, done: bool) -> None:
    """Tick a point of the checklist, or take the tick back."""
    left = {key: value for key, value in row.ticks.items() if key != item}
    row.ticks = {**left, item: [actor, work.now.isoformat()]} if done else left
