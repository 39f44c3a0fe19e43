"""SOPs in the shadow: noted is with whom each would have begun, and nobody is prompted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Exists, delete, func, select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState
from bot.platform.database.store import insert_new
from bot.platform.models import Customer, ShadowStart, ShadowWord
from bot.platform.work import Work


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
    """With how many customers an SOP would have begun, how often, and what people said of these starts."""

    customers: int
    starts: int
    right: int
    wrong: int


def shadow_figures(session: Session, sop_id: str, since: datetime, among: ColumnElement[bool]) -> ShadowFigures:
    """What was noted of an SOP since then, and all that was said of it.

    among: the customers that are counted, as a condition on Customer.
    """
    counts = select(func.count(ShadowStart.customer_id.distinct()), func.count()).select_from(ShadowStart)
    mine = ShadowStart.sop_id == sop_id, ShadowStart.began_at >= since, among
    customers, times = session.execute(
        counts.join(Customer, Customer.id == ShadowStart.customer_id).where(*mine)
    ).one()
    return ShadowFigures(customers, times, *said_of(session, sop_id))


def said_of(session: Session, sop_id: str) -> tuple[int, int]:
    """How many starts of an SOP people called right, and how many wrong."""
    counted = select(ShadowWord.right, func.count()).where(ShadowWord.sop_id == sop_id).group_by(ShadowWord.right)
    said = {row[0]: row[1] for row in session.execute(counted)}
    return said.get(True, 0), said.get(False, 0)


def keep_word(work: Work, start: ShadowStart, author: str, said: bool | None) -> None:
    """Keep what a person says of a start; None takes back what they said."""
    mine = ShadowWord.start_id == start.id, ShadowWord.author == author
    work.session.execute(delete(ShadowWord).where(*mine))
    if said is not None:
        given = {"start_id": start.id, "sop_id": start.sop_id, "right": said, "author": author}
        insert_new(work.session, ShadowWord, [{**given, "given_at": work.now}], ["start_id", "author"])


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
