"""Group events: a group chat is made, changed or dismissed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select

from bot.customers.group_chats import ask_group, find_group, record_dismissed, record_left
from bot.customers.state import load_customers
from bot.platform.models import CallbackEvent, Customer
from bot.platform.work import Work
from bot.sops.behaviour import observe_event
from bot.sops.follow_up import CustomerEvent
from bot.wecom.event_kinds import ChatChange
from taggers.occurrence import Occurrence

ROOM_EVENTS: dict[str, tuple[Literal["joined", "left"], str]] = {  # what the rules see, and the event SOPs start at
    "add_member": ("joined", "@joined"),
    "del_member": ("left", "@quit"),
}


def apply_group_change(work: Work, event: ChatChange, row: CallbackEvent) -> str:
    """Apply one change of a group; of those who joined or left, only customers already known are followed up.

    Returns the outcome in words, for the event's row.
    """
    chat = find_group(work.session, event.chat_id, work.now)
    if event.change == "dismiss":
        record_dismissed(work.session, chat, row.created_at)
        return "dismissed"
    ask_group(work, chat.chat_id, f"event:{row.id}")
    if event.detail not in ROOM_EVENTS:
        return "group asked"
    if event.detail == "del_member":
        record_left(work.session, chat, event.members, row.created_at)
    known = work.session.scalars(select(Customer).where(Customer.external_userid.in_(event.members))).all()
    kind, trigger = ROOM_EVENTS[event.detail]
    for state in load_customers(work.session, known).values():
        seen = Occurrence(kind, row.created_at, f"room:{row.id}")
        observe_event(work, state, seen, CustomerEvent(str(row.id), events=[trigger]))
    return f"{len(known)} customers {event.detail}"
