"""Group events: a group chat made, changed or dismissed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select

from bot.customers.behaviour import observe
from bot.customers.group_chats import ask_group, find_group, record_dismissed, record_left
from bot.customers.state import load_customers
from bot.platform.models import CallbackEvent, Customer
from bot.platform.work import Work
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.wecom.events import (
    ChatChange,
)
from taggers.occurrence import Occurrence

ROOM_EVENTS = {"add_member": "@joined", "del_member": "@quit"}


def group_changed(work: Work, event: ChatChange, row: CallbackEvent) -> str:
    """A group was made, changed or dismissed; customers who joined or left it, of whom those never met stay unmet."""
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
    for state in load_customers(work.session, known).values():
        trigger = ROOM_EVENTS[event.detail]
        kind: Literal["joined", "left"] = "joined" if trigger == "@joined" else "left"
        before = state.tags
        seen = Occurrence(kind, row.created_at, f"room:{row.id}")
        tags = observe(work, state, seen)
        fresh = [tag for tag in tags if tag not in before]
        follow_up(work, state, CustomerEvent(str(row.id), tags, fresh, events=[trigger]))
    return f"{len(known)} customers {event.detail}"
