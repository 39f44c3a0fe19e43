"""SOPs in the shadow: noted is with whom each would have begun, and nobody is prompted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Exists, func, select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState
from bot.platform.models import Customer, ShadowStart
from bot.platform.work import Work

SHOWN = 8


def note_start(work: Work, state: CustomerState, sop_id: str, cause: str, ends_at: datetime) -> None:
    """Note that the SOP would have begun, unless the customer would still be on it by an earlier start.

    ends_at: when the last of its steps would be over.
    """
    made = state.shadow_starts
    known = [*_stored(work.session, state, sop_id), *((c, at) for s, c, at in made if s == sop_id)]
    if any(known_cause == cause or until > work.now for known_cause, until in known):
        return
    made.append((sop_id, cause, ends_at))
    work.session.add(
        ShadowStart(sop_id=sop_id, customer_id=state.customer.id, cause=cause, began_at=work.now, ends_at=ends_at)
    )


@dataclass(frozen=True)
class ShadowFigures:
    """With how many customers an SOP would have begun, how often, and with whom lately (id, name, when)."""

    customers: int
    starts: int
    latest: Sequence[tuple[int, str, datetime]]


def shadow_figures(session: Session, sop_id: str, since: datetime, among: ColumnElement[bool]) -> ShadowFigures:
    """What was noted of an SOP since then. among: the customers that are told of, as a condition on Customer."""
    theirs = Customer.id == ShadowStart.customer_id
    mine = ShadowStart.sop_id == sop_id, ShadowStart.began_at >= since, among
    counts = select(func.count(ShadowStart.customer_id.distinct()), func.count()).select_from(ShadowStart)
    customers, times = session.execute(counts.join(Customer, theirs).where(*mine)).one()
    starts = select(Customer.id, Customer.name, ShadowStart.began_at).select_from(ShadowStart)
    newest = starts.join(Customer, theirs).where(*mine).order_by(ShadowStart.began_at.desc(), ShadowStart.id.desc())
    latest = session.execute(newest.limit(SHOWN))
    return ShadowFigures(customers, times, latest.all())


def noted_since_word(sop_id: str) -> Exists:
    """Whether a start of the SOP was noted for a customer since their last word."""
    mine = ShadowStart.customer_id == Customer.id, ShadowStart.sop_id == sop_id
    return select(ShadowStart.id).where(*mine, ShadowStart.began_at > Customer.last_word_at).exists()


def noted_ever(sop_id: str) -> Exists:
    """Whether a start of the SOP was ever noted for a customer."""
    return select(ShadowStart.id).where(ShadowStart.customer_id == Customer.id, ShadowStart.sop_id == sop_id).exists()


def _stored(session: Session, state: CustomerState, sop_id: str) -> list[tuple[str, datetime]]:
    """Cause and end of the starts noted before; read for all who are looked at together."""

    def read(ids: list[int]) -> Iterable[Any]:
        columns = ShadowStart.customer_id, ShadowStart.sop_id, ShadowStart.cause, ShadowStart.ends_at
        return session.execute(select(*columns).where(ShadowStart.customer_id.in_(ids)))

    def by_sop() -> dict[tuple[int, str], list[tuple[str, datetime]]]:
        found: dict[tuple[int, str], list[tuple[str, datetime]]] = {}
        with session.no_autoflush:  # those of this transaction are in the states
            for customer_id, known, cause, ends_at in state.fellows.ask("shadow starts", read):
                found.setdefault((customer_id, known), []).append((cause, ends_at))
        return found

    return state.fellows.once("shadow starts by SOP", by_sop).get((state.customer.id, sop_id), [])
