"""Segments of a customer, and the stored members: of frozen segments, and of those at which somebody looks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.orm import Session

from bot.customers.selection import Condition, meant_by, where
from bot.platform.config.segment_table import Segment
from bot.platform.models import Customer, SegmentMember
from bot.platform.work import Work


def segments_of(work: Work, customer_id: int, names: Sequence[str]) -> frozenset[str]:
    """In which of these segments a customer is now; one statement."""
    asked = list(dict.fromkeys(names))
    tests = [where([Condition("segment", name)], work.now, work.settings.segments)[0] for name in asked]
    inside = work.session.execute(select(*tests).where(Customer.id == customer_id)).one()
    return frozenset(name for name, is_in in zip(asked, inside, strict=True) if is_in)


def note_members(work: Work, segment: Segment) -> int:
    """Store as members all for whom the conditions hold now, instead of those before; returns how many."""
    forget_members(work.session, segment.name)
    found = select(literal(segment.name), Customer.id, literal(work.now, SegmentMember.since.type))
    meant = found.where(meant_by(segment, work.now, work.settings.segments))
    columns = ["segment", "customer_id", "since"]
    work.session.execute(insert(SegmentMember).from_select(columns, meant, include_defaults=False))
    mine = select(func.count()).where(SegmentMember.segment == segment.name)
    return work.session.scalar(mine) or 0


def forget_members(session: Session, name: str) -> None:
    """Remove the stored members of a segment."""
    session.execute(delete(SegmentMember).where(SegmentMember.segment == name))


def change_members(work: Work, segment: Segment, limit: int) -> list[int]:
    """Remove those who are no longer in a segment from its members, and add who came in; returns these, by id."""
    session, mine = work.session, SegmentMember.segment == segment.name
    test = meant_by(segment, work.now, work.settings.segments)
    session.execute(
        delete(SegmentMember).where(mine, SegmentMember.customer_id.not_in(select(Customer.id).where(test))),
        execution_options={"synchronize_session": False},
    )
    known = select(SegmentMember.customer_id).where(mine)
    fresh = select(Customer.id).where(test, Customer.id.not_in(known)).order_by(Customer.id)
    came = list(session.scalars(fresh.limit(limit)))
    if came:
        rows = [{"segment": segment.name, "customer_id": one, "since": work.now} for one in came]
        session.execute(insert(SegmentMember), rows)
    return came
