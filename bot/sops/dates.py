"""Dates: starts SOPs on birthdays, fixed dates and cycles; goes through all customers once a day, in portions."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.state import CustomerState, load_customers
from bot.platform.database.store import set_status
from bot.platform.models import Customer, CustomerField, Follow, Status
from bot.platform.work import Work
from bot.sops.enrolment import Start, enrol, is_lost
from sop.dates import dated, falls_on
from sop.enrolment import by_priority
from sop.fields import dates_of, names_of, yearly_names
from sop.playbook import Sop
from sop.triggers import Trigger, trigger_of

STATUS = "dated_sops"
_CAUSE = "date:"
_MISSED = timedelta(days=1)  # a day on which nothing ran is made up for on the next day, a longer gap is not


def start_dated_sops(work: Work, limit: int = 500) -> int:
    """Enrol the next portion of customers in the SOPs that wait for today; returns how many were looked at."""
    waiting = [(sop, trigger_of(sop)) for sop in by_priority(dated(work.settings.tables.sops))]
    if not waiting:
        return 0
    status = work.session.get(Status, STATUS, with_for_update=True)
    todo = next_state(
        status.value if status else None, work.settings.calendar.local(work.now).date(), work.settings.version
    )
    if todo["done"]:
        return 0
    day = date.fromisoformat(todo["day"])
    customers = _portion(work.session, todo["after"], _for_everybody(waiting, day), limit)
    for state in load_customers(work.session, customers).values():
        fields = dates_of(work.settings.fields, state.fields)
        for sop, trigger in waiting:
            if falls_on(trigger, day, fields, yearly_names(work.settings.fields)) and not is_lost(
                work.settings, state
            ):
                enrol(work, state, sop, Start(day_cause(day), day=day))
    after = customers[-1].id if customers else todo["after"]
    set_status(work.session, STATUS, {**todo, "after": after, "done": len(customers) < limit}, work.now)
    return len(customers)


def start_on_learned_dates(work: Work, state: CustomerState, learned: Collection[str]) -> None:
    """Start the SOPs of a date just learned that begin today: today's round may have passed them already."""
    if not learned:
        return
    names = {name for one in learned if one in work.settings.fields for name in names_of(work.settings.fields[one])}
    if not names or is_lost(work.settings, state):
        return
    today = work.settings.calendar.local(work.now).date()
    fields, yearly = dates_of(work.settings.fields, state.fields), yearly_names(work.settings.fields)
    for sop in by_priority(dated(work.settings.tables.sops)):
        trigger = trigger_of(sop)
        if trigger.name in names and falls_on(trigger, today, fields, yearly):
            enrol(work, state, sop, Start(day_cause(today), day=today))


def day_cause(day: date) -> str:
    """The cause of an enrolment that a day has started."""
    return f"{_CAUSE}{day.isoformat()}"


def day_of(cause: str) -> date | None:
    """The day that started an enrolment; None where something else did."""
    return date.fromisoformat(cause.removeprefix(_CAUSE)) if cause.startswith(_CAUSE) else None


def next_state(known: dict[str, Any] | None, today: date, version: str) -> dict[str, Any]:
    """What is remembered: {day, after (the last customer's id), version, done}.

    A new config looks at its day again, which enrols nobody twice. The first start ever begins with today.
    """
    if known is None:
        day, same = today, False
    elif known["done"] and known["day"] < today.isoformat():
        day, same = max(date.fromisoformat(known["day"]) + timedelta(days=1), today - _MISSED), False
    else:
        day, same = date.fromisoformat(known["day"]), known["version"] == version
    if known is not None and same:
        return dict(known)
    return {"day": day.isoformat(), "after": 0, "version": version, "done": False}


def _for_everybody(waiting: list[tuple[Sop, Trigger]], day: date) -> bool:
    return any(falls_on(trigger, day, {}) for _, trigger in waiting)


def _portion(session: Session, after: int, everybody: bool, limit: int) -> list[Customer]:
    followed = select(Follow.id).where(Follow.customer_id == Customer.id, Follow.ended_at.is_(None)).exists()
    query = select(Customer).where(Customer.id > after, Customer.opted_out_at.is_(None), followed)
    if not everybody:
        query = query.where(select(CustomerField.name).where(CustomerField.customer_id == Customer.id).exists())
    return list(session.scalars(query.order_by(Customer.id).limit(limit)))
