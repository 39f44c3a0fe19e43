"""Promises: keeps what was promised in single chats, and closes it by the messages that show that it was kept.

Whether a promise is kept is decided for each pair of a promise and a later message, and the earliest such message
counts: what comes late, twice or in another order, or is taken back, leaves what it would have left in its order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.owed_rows import read_lately, read_open
from bot.customers.state import CustomerState
from bot.customers.talk import Spoken, read_talks
from bot.platform.config.settings import Settings
from bot.platform.database.write_rows import write_rows
from bot.platform.models import Message, Promise
from bot.platform.work import Work
from sop.promises import Owed, alarms
from taggers.kept import Promised, Shown, keeps, renews
from taggers.pledge import pledges
from taggers.promise import Promise as Said
from taggers.promise import promises

LOOKED_BACK = timedelta(days=60)  # an older promise is closed by nothing that is said
_STALE = timedelta(days=3)  # what was due so long before it was read is told to nobody: an archive taken in late


def hear_promises(work: Work, state: CustomerState, message: Spoken, *, late: bool) -> None:
    """Keep what a message promises and close what it shows to be kept; a late one has all of the talk looked at."""
    fresh = [_row(work, state, message, said) for said in _said(work.settings, message)]
    if late:
        look_again(work, state)
    else:
        known = _open_promises(work.session, state)
        for row in known:
            if row.by == message.by and row.closed_at is None and _shows(row, message, fresh):
                _keep(work, row, message.at, message.id)
    work.session.add_all(fresh)
    if state.promises is not None:
        state.promises += fresh


def look_again(work: Work, state: CustomerState) -> None:
    """Have the promises of a customer judged by the whole talk, once all of the batch is stored."""
    if work.batch is not None:
        work.batch.look_again.add(state.customer.id)


def withdraw_promises(work: Work, msgid: str, at: datetime) -> None:
    """Let fall what was promised in a message that its sender took back."""
    message = select(Message.id).where(Message.msgid == msgid).scalar_subquery()
    for row in work.session.scalars(select(Promise).where(Promise.message_id == message)):
        row.withdrawn_at = row.withdrawn_at or at
        settle_row(work, row)


def judge_again(work: Work) -> None:
    """Judge the promises that only the whole talk can tell, by a few queries for all of their customers."""
    customers = sorted(work.batch.look_again) if work.batch is not None else []
    if not customers:
        return
    write_rows(work.session)
    rows = read_lately(work.session, Promise, Promise.said_at, customers, work.now - LOOKED_BACK)
    if not rows:
        return
    since = min(row.said_at for row in rows)
    talks = read_talks(work.session, work.settings, sorted({row.customer_id for row in rows}), since)
    for row in rows:
        fellows = [one for one in rows if one.customer_id == row.customer_id and one.withdrawn_at is None]
        gone = row.withdrawn_at is not None
        found = None if gone else _first_that_shows(row, talks[row.customer_id], fellows)
        row.kept_at, row.kept_message_id = found if found is not None else (None, None)
        settle_row(work, row)


def settle_row(work: Work, row: Promise) -> None:
    """Close a promise for the first reason there is, or open it again; and say when it is looked at next."""
    judged = row.judged_at if row.judged else None
    row.closed_at = row.withdrawn_at or judged or row.kept_at
    is_stale = (row.until or row.said_at) < work.now - _STALE
    row.look_at = None if row.closed_at is not None or is_stale else next_look(work.settings, row)


def next_look(settings: Settings, row: Promise) -> datetime | None:
    """When somebody is to be told of an open promise next."""
    told = alarms(owed(row), settings.tables.promises, settings.calendar)
    times = {"agent": told.agent, "leader": told.leader}
    return min((at for to, at in times.items() if at is not None and to not in row.told), default=None)


def owed(row: Promise) -> Owed:
    """The row as the decision sees it; what was put off is due at an hour."""
    by_customer = row.by == "customer"
    return Owed("customer" if by_customer else "agent", row.said_at, row.until, row.wide and row.put_off_to is None)


def _said(settings: Settings, message: Spoken) -> tuple[Said, ...]:
    if message.kind != "text" or message.agent_id is None:
        return ()
    hear = promises if message.by == "agent" else pledges
    return hear(message.text, message.at, settings.calendar)


def _row(work: Work, state: CustomerState, message: Spoken, said: Said) -> Promise:
    row = Promise(
        customer_id=state.customer.id, agent_id=message.agent_id, message_id=message.id, msgid=message.msgid,
        by=message.by, said_at=message.at, start=said.start, words=said.words[:500], deed=said.deed,
        object=said.object, due_at=said.due, wide=said.wide, judged="", judged_by="", told={},
    )  # fmt: skip
    settle_row(work, row)
    return row


def _open_promises(session: Session, state: CustomerState) -> list[Promise]:
    found: list[Promise] = read_open(session, state, Promise, "promises")
    return found


def _keep(work: Work, row: Promise, at: datetime, message_id: int) -> None:
    row.kept_at, row.kept_message_id = at, message_id
    settle_row(work, row)


def _shows(row: Promise, message: Spoken, said: Iterable[Promise]) -> bool:
    """Whether a later message shows that a promise was kept, or makes the same one anew."""
    promised = Promised(row.deed, row.object, row.words)  # type: ignore[arg-type]
    return keeps(promised, Shown(message.kind, message.text)) or any(
        one.agent_id == row.agent_id and renews(promised, Promised(one.deed, one.object, one.words))  # type: ignore[arg-type]
        for one in said
    )


def _first_that_shows(
    row: Promise, talk: Iterable[Spoken], fellows: Sequence[Promise]
) -> tuple[datetime, int] | None:
    said: dict[int, list[Promise]] = {}
    for one in fellows:
        if one.by == row.by:
            said.setdefault(one.message_id, []).append(one)
    place = (row.said_at, row.msgid)
    later = (one for one in talk if one.by == row.by and one.point > place)
    found = next((one for one in later if _shows(row, one, said.get(one.id, ()))), None)
    return None if found is None else (found.at, found.id)
