"""Events: hands each authentic callback event to the code that applies it, and answers agents in the app."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.customers.identity import find_agents
from bot.intake.contact_events import apply_customer_change
from bot.intake.group_events import apply_group_change
from bot.intake.member_events import apply_app_alert, apply_member_change, apply_staff_change
from bot.platform.models import Agent, CallbackEvent
from bot.platform.work import About, Work
from bot.sync.profiles import ask_library
from bot.wecom.callback import reopen
from bot.wecom.event_kinds import (
    AppAlert,
    AppMember,
    AppText,
    CardClick,
    ChatChange,
    CustomerChange,
    StaffChange,
    TagLibraryChange,
)
from bot.wecom.events import read_event
from bot.wecom.text_parts import text_parts


def apply_event(work: Work, row: CallbackEvent) -> None:
    """Apply a stored event and record its outcome; one of an unknown kind stays stored as it is."""
    event = read_event(reopen(row.raw_xml))
    if isinstance(event, CustomerChange):
        row.outcome = apply_customer_change(work, event, row)
    elif isinstance(event, TagLibraryChange):
        ask_library(work, str(row.id))
        row.outcome = "tag library asked"
    elif isinstance(event, AppText):
        agent = find_agents(work.session, [event.userid], work.now)[event.userid.casefold()]
        answer_in_app(work, agent, answer_agent(work, agent, event.content), row)
        row.outcome = "answered in the app"
    elif isinstance(event, CardClick):
        row.outcome = take_click(work, event, row)
    elif isinstance(event, ChatChange):
        row.outcome = apply_group_change(work, event, row)
    elif isinstance(event, StaffChange):
        row.outcome = apply_staff_change(work, event, row)
    elif isinstance(event, AppMember):
        row.outcome = apply_member_change(work, event, row)
    elif isinstance(event, AppAlert):
        row.outcome = apply_app_alert(work, event)
    else:
        row.outcome = f"stored: {type(event).__name__}"
    row.handled_at = work.now
    work.session.flush()


def answer_in_app(work: Work, agent: Agent, text: str, row: CallbackEvent) -> None:
    """Put out a plain answer to what an agent wrote; a long one as several messages, one after the other."""
    first, *rest = text_parts(text)
    payload = {"text": first, "rest": rest} if rest else {"text": first}
    outbox = work.send("app_text", f"app_text:{row.id}", payload, About(agent_id=agent.id))
    outbox.deadline = work.now + timedelta(hours=1)  # an answer that comes later than that only confuses
