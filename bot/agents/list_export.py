"""Export of the customer list: rows gathered piece by piece, kept sealed for a day, and the file made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, or_, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.agents.list_rows import cells_of, rows_of
from bot.platform.log import get_logger
from bot.platform.models import BulkDeed, BulkItem, Customer
from bot.platform.work import Work

KIND = "export"
KEPT = timedelta(days=1)
_AT_ONCE = 2000
_UNREADABLE, _FAILED = "已经不是您能看到的客户", "这一行没能读出来，请在客户页上看"
_log = get_logger(__name__)


def gather(work: Work, deed: BulkDeed, items: Sequence[BulkItem], people: Mapping[int, Customer]) -> None:
    """Write down the cells of each customer; `people` are those whom the asker may see by now."""
    found = [people[one.customer_id] for one in items if one.customer_id in people]
    cells = _cells(work, deed.what["columns"], found)
    for item in items:
        if item.customer_id not in people:
            item.state, item.why = "failed", _UNREADABLE
        elif (mine := cells.get(item.customer_id)) is None:
            item.state, item.why = "failed", _FAILED
        else:
            item.state, item.given = "done", {"cells": mine}


def _cells(work: Work, columns: Sequence[str], people: Sequence[Customer]) -> dict[int, list[str | float]]:
    """By customer. Where one cannot be read (a damaged value), the others are read without them."""
    try:
        return {row.customer.id: cells_of(work, columns, row) for row in rows_of(work, columns, people)}
    except OperationalError:
        raise
    except Exception as error:
        if len(people) == 1:
            _log.exception("a customer could not be exported", error=type(error).__name__)
            return {}
        return {key: cells for one in people for key, cells in _cells(work, columns, [one]).items()}


def is_ready(deed: BulkDeed, now: datetime) -> bool:
    """Whether the file can be fetched: all rows are gathered, and it is not a day old."""
    return deed.kind == KIND and deed.state == "done" and now - (deed.ended_at or now) < KEPT


def kept_until(deed: BulkDeed, now: datetime) -> datetime | None:
    """Until when the file can be fetched; None where it cannot."""
    return (deed.ended_at or now) + KEPT if is_ready(deed, now) else None


def exported(session: Session, deed: BulkDeed, seen: ColumnElement[bool]) -> Iterator[tuple[int, list[object]]]:
    """The customers and cells of a file, in its order; seen: whom whoever fetches it may see (of Customer)."""
    of = BulkItem.deed_id == deed.id, BulkItem.state == "done", BulkItem.customer_id == Customer.id
    rows = select(BulkItem.customer_id, BulkItem.given).where(*of, seen).order_by(BulkItem.turn)
    for customer_id, given in session.execute(rows.execution_options(yield_per=_AT_ONCE)):
        yield customer_id, (given or {}).get("cells", [])


def expire(deed: BulkDeed, now: datetime) -> bool:
    """Let its day be over, so that it is forgotten next; False where there is no file."""
    if not is_ready(deed, now):
        return False
    deed.state, deed.ended_at = "cancelled", now - KEPT
    return True


def outlived(now: datetime) -> ColumnElement[bool]:
    """Which deeds hold what nobody needs any more: exports a day after their end, tables nobody imported."""
    over = and_(BulkDeed.kind == KIND, BulkDeed.state.in_(("done", "cancelled")), BulkDeed.ended_at <= now - KEPT)
    return or_(over, and_(BulkDeed.state == "draft", BulkDeed.touched_at <= now - KEPT))


def forget(session: Session, deed: BulkDeed) -> None:
    """Delete a piece of what such a deed holds; that there was an export stays, without a row of it."""
    mine = select(BulkItem.turn).where(BulkItem.deed_id == deed.id).order_by(BulkItem.turn).limit(_AT_ONCE)
    turns = session.scalars(mine).all()
    if turns:
        session.execute(delete(BulkItem).where(BulkItem.deed_id == deed.id, BulkItem.turn <= turns[-1]))
    elif deed.state == "draft":
        session.delete(deed)
    else:
        deed.state = "gone"
