"""Order scores: enters into ledgers what orders give by [[scores]], and takes it back on a refund."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.customers.scores import GONE, entry_of, rescore
from bot.platform.models import Order, ScoreEntry
from bot.platform.work import Work
from taggers.ledger import ORDER, Bought, Entry, settle_orders

PAID = "paid"


def score_orders(work: Work, customer_ids: Sequence[int]) -> None:
    """Bring the entries of these customers' orders up to date, and with them what their ledgers come to."""
    if not work.settings.awards:
        return
    ids = sorted(set(customer_ids))
    settle_order_entries(work, ids)
    work.session.flush()
    rescore(work, ids)


def settle_order_entries(work: Work, ids: Sequence[int]) -> None:
    """Enter what orders give and let fall what does not stand; two statements for every 500 customers."""
    if not any(award.source.startswith(ORDER) for award in work.settings.awards):
        return
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        orders, entries = _orders(work.session, some), _entries(work.session, some)
        for customer_id in some:
            _settle(work, customer_id, orders[customer_id], entries[customer_id])


def occasion_of(order: Order) -> str:
    """What an order is called in the ledgers."""
    return f"{order.source}:{order.own_id}"[:128]


def drop_order_entries(session: Session, customer_id: int, occasions: Iterable[str], now: Any) -> None:
    """Take back what orders gave that are this customer's no more."""
    mine = ScoreEntry.customer_id == customer_id, ScoreEntry.source.like(f"{ORDER}%")
    of = ScoreEntry.occasion.in_(list(occasions)), ScoreEntry.fallen_at.is_(None)
    _set(session, (*mine, *of), fallen_at=now, fallen_because=GONE)


def _settle(work: Work, customer_id: int, orders: Sequence[Order], rows: Sequence[ScoreEntry]) -> None:
    known = {_key(entry_of(row)): row for row in rows}
    fresh, gone = settle_orders(
        work.settings.awards, [_bought(order) for order in orders], [entry_of(r) for r in rows]
    )
    for entry in gone:
        known[_key(entry)].fallen_at, known[_key(entry)].fallen_because = work.now, GONE
    for entry in fresh:
        row = known.get(_key(entry))
        if row is not None:
            row.fallen_at, row.fallen_because = None, ""
        else:
            given = {"ledger": entry.ledger, "points": entry.points, "source": entry.source, "at": entry.at}
            version = work.settings.version
            row = ScoreEntry(customer_id=customer_id, occasion=entry.occasion, version=version, **given)
            row.fallen_because = ""
            work.session.add(row)


def _bought(order: Order) -> Bought:
    called = frozenset(name for name in (order.product_code, order.product_name, order.category) if name)
    return Bought(occasion_of(order), called, order.paid_at or order.ordered_at, order.status == PAID)


def _orders(session: Session, ids: Sequence[int]) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = defaultdict(list)
    for order in session.scalars(select(Order).where(Order.customer_id.in_(ids)).order_by(Order.id)):
        found[order.customer_id].append(order)
    return found


def _entries(session: Session, ids: Sequence[int]) -> dict[int, list[ScoreEntry]]:
    found: dict[int, list[ScoreEntry]] = defaultdict(list)
    mine = select(ScoreEntry).where(ScoreEntry.customer_id.in_(ids), ScoreEntry.source.like(f"{ORDER}%"))
    for row in session.scalars(mine):
        found[row.customer_id].append(row)
    return found


def _set(session: Session, rows: Iterable[Any], **values: Any) -> None:
    session.execute(
        update(ScoreEntry).where(*rows).values(**values), execution_options={"synchronize_session": False}
    )


def _key(entry: Entry) -> tuple[str, str, str]:
    return (entry.ledger, entry.source, entry.occasion)
