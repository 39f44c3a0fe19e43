"""Own follow-ups: what agents write down to be reminded of, changed by them and ended by what the archive shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from bot.agents.reading import Reader, readable
from bot.customers.new_message import AnyMessage
from bot.customers.state import CustomerState
from bot.platform.models import Agent, Customer, OwnFollowUp
from bot.platform.work import Work
from bot.wecom.errors import BotError
from taggers.follow_up_end import Ending, Said, Wanted, ending
from taggers.reminder import read_wish
from taggers.translatable import Translatable

LONGEST = 200
FARTHEST = timedelta(days=400)
_EXAMPLE = "明天10点"


class FollowUpRefusedError(BotError):
    """Words that make no follow-up; the text says to the agent what is missing."""


def read_follow_up(work: Work, words: str) -> tuple[datetime, str]:
    """When to remind, and of what, by an agent's words. Raises FollowUpRefusedError."""
    wish = read_wish(words, work.now, work.settings.calendar)
    if wish.at is None:
        raise FollowUpRefusedError(Translatable("没看出什么时候提醒，可以写：{example}", example=_EXAMPLE))
    if wish.at <= work.now:
        raise FollowUpRefusedError(Translatable("「{words}」已经过了，换一个时间", words=wish.words[:20]))
    if wish.at - work.now > FARTHEST:
        raise FollowUpRefusedError(Translatable("「{words}」太远了，最多提前一年多", words=wish.words[:20]))
    return wish.at, wish.what[:LONGEST]


def write_down(work: Work, agent: Agent, customer: Customer, due_at: datetime, words: str) -> OwnFollowUp:
    """Have the agent reminded of this customer then; the same once more is the same follow-up."""
    for known in open_of(work.session, agent.id, customer.id):
        if known.words == words and known.due_at == due_at:
            return known
    row = OwnFollowUp(
        agent_id=agent.id, customer_id=customer.id, words=words, due_at=due_at, state="open", created_at=work.now
    )
    work.session.add(row)
    work.session.flush()
    return row


def change(row: OwnFollowUp, due_at: datetime, words: str) -> None:
    """Give it another time or other words; it is told of anew."""
    row.due_at, row.words, row.told_at = due_at, words[:LONGEST], None


def end(row: OwnFollowUp, now: datetime, by: str, msgid: str | None = None, state: str = "done") -> None:
    """End it. by: hand | reply | evidence."""
    row.state, row.ended_at, row.ended_by, row.ended_msgid = state, now, by, msgid


def reopen(row: OwnFollowUp) -> None:
    """What ended it does not count any more."""
    row.state, row.ended_at, row.ended_by, row.ended_msgid = "open", None, None, None
    row.outcome = ""


def as_it_stands(row: OwnFollowUp) -> dict[str, Any]:
    """What a deed changes of it, to be restored by `restore`."""
    return {"state": row.state, "due_at": row.due_at.isoformat(), "words": row.words, "told": row.told_at is not None}


def restore(row: OwnFollowUp, before: dict[str, Any], now: datetime) -> None:
    """Make it again what it was before a deed."""
    reopen(row)
    row.state, row.words = before["state"], before["words"]
    row.due_at = datetime.fromisoformat(before["due_at"])
    row.told_at = now if before["told"] else None


def open_of(session: Session, agent_id: int, customer_id: int) -> Sequence[OwnFollowUp]:
    """What the agent has open with one customer, the soonest first."""
    query = _open(agent_id).where(OwnFollowUp.customer_id == customer_id)
    return session.scalars(query).all()


def ended_of(session: Session, agent_id: int, customer_id: int, since: datetime) -> Sequence[OwnFollowUp]:
    """What the agent had with one customer that ended as done since then, the newest first."""
    query = select(OwnFollowUp).where(
        OwnFollowUp.customer_id == customer_id,
        OwnFollowUp.agent_id == agent_id,
        OwnFollowUp.state == "done",
        OwnFollowUp.ended_at >= since,
    )
    return session.scalars(query.order_by(OwnFollowUp.ended_at.desc(), OwnFollowUp.id.desc()).limit(3)).all()


def due_before(
    session: Session, reader: Reader, agent_id: int, ends: datetime, limit: int = 100
) -> Sequence[OwnFollowUp]:
    """What the agent has open that is due before then, of customers about whom the reader may read."""
    query = _open(agent_id).where(OwnFollowUp.due_at < ends, readable(reader, OwnFollowUp.customer_id))
    return session.scalars(query.limit(limit)).all()


def _open(agent_id: int) -> Any:
    return (
        select(OwnFollowUp)
        .options(joinedload(OwnFollowUp.customer))
        .where(OwnFollowUp.agent_id == agent_id, OwnFollowUp.state == "open")
        .order_by(OwnFollowUp.due_at, OwnFollowUp.id)
    )


def end_by_message(work: Work, state: CustomerState, message: AnyMessage, *, by_mass: bool = False) -> None:
    """End what a message of a talk between two shows to be done; a mass message or one in a group shows nothing."""
    if message.roomid or by_mass or message.role not in ("customer", "agent"):
        return
    for row in list(state.own_follow_ups):
        found = _ending(work, row, message)
        if found is not None:
            end(row, message.sent_at, found, message.msgid[:128])
            state.own_follow_ups.remove(row)


def _ending(work: Work, row: OwnFollowUp, message: AnyMessage) -> Ending | None:
    if message.role == "customer" and message.agent_id != row.agent_id:
        return None
    said = Said("agent" if message.role == "agent" else "customer", message.text, message.kind, message.sent_at)
    wanted = Wanted(row.words, row.created_at, row.due_at)
    return ending(wanted, said, work.settings.calendar, work.settings.closings)


def reopen_by_recall(work: Work, msgid: str, customers: Iterable[CustomerState]) -> None:
    """Open again what only a message ended that was taken back."""
    for state in customers:
        query = select(OwnFollowUp).where(
            OwnFollowUp.customer_id == state.customer.id, OwnFollowUp.ended_msgid == msgid[:128]
        )
        for row in work.session.scalars(query):
            reopen(row)
            state.own_follow_ups.append(row)
