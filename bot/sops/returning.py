"""Returning customers: tells the agent what somebody counted as lost said; to move the card is for people."""

from __future__ import annotations

from datetime import timedelta

from bot.customers.state import CustomerState
from bot.platform.models import Agent
from bot.platform.work import About, Work

KIND = "returning"
_WAITS = timedelta(hours=12)  # a word that could not be delivered for so long comes too late


def tell_of_return(
    work: Work, state: CustomerState, agent: Agent | None, msgid: str | None, business: str = ""
) -> None:
    """Tell the agent once a day of each stage to which a lost customer's words, or what another system told of them
    (`business`, in words: an order), would lead. What people did themselves is not told."""
    if not state.returning:
        return
    stages, state.returning = list(dict.fromkeys(state.returning)), []
    follows = state.active_follows
    mine = next((follow for follow in follows if follow.agent is agent), None)
    follow = mine or next(iter(sorted(follows, key=lambda one: one.added_at, reverse=True)), None)
    if follow is None or (msgid is None and not business):
        return
    day = work.settings.calendar.local(work.now).date()
    for stage in stages:
        key = f"returns:{state.customer.id}:{day.isoformat()}:{stage}"
        about = About(customer_id=state.customer.id, agent_id=follow.agent_id)
        row = work.send_once(KIND, key, {"text": _words(state, follow.remark, stage, business)}, about)
        if row is not None:
            row.deadline = work.now + _WAITS


def _words(state: CustomerState, remark: str, stage: str, business: str) -> str:
    name = remark or state.customer.name or "新客户"
    lost = "、".join(f"「{here}」" for here in dict.fromkeys(state.stages.values()))
    words = f"刚才说：「{state.customer.last_words[:100]}」" if state.customer.last_words else "有了新消息"
    said = business or words
    return f"{name}在{lost}里，{said}\n看起来该到「{stage}」了。卡片没有自动移动，确认后回复：移动 {name} {stage}"
