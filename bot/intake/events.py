"""What an authentic callback event means for people, stages and SOPs; and the answers agents get in the app."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.customers.identity import find_agents
from bot.intake.contact_events import customer_changed
from bot.intake.group_events import group_changed
from bot.intake.member_events import take_alert, take_member, take_staff
from bot.platform.models import Agent, CallbackEvent
from bot.platform.work import About, Work
from bot.sync.profiles import ask_library
from bot.wecom.callback import reopen
from bot.wecom.events import (
    AppAlert,
    AppMember,
    AppText,
    CardClick,
    ChatChange,
    CustomerChange,
    StaffChange,
    TagLibraryChange,
    read_event,
)


def take_event(work: Work, row: CallbackEvent) -> None:
    """What an authentic callback event means for people, stages and SOPs; unknown ones stay stored as they are."""
    event = read_event(reopen(row.raw_xml))
    if isinstance(event, CustomerChange):
        row.outcome = customer_changed(work, event, row)
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
        row.outcome = group_changed(work, event, row)
    elif isinstance(event, StaffChange):
        row.outcome = take_staff(work, event, row)
    elif isinstance(event, AppMember):
        row.outcome = take_member(work, event, row)
    elif isinstance(event, AppAlert):
        row.outcome = take_alert(work, event)
    else:
        row.outcome = f"stored: {type(event).__name__}"
    row.handled_at = work.now
    work.session.flush()


def answer_in_app(work: Work, agent: Agent, text: str, row: CallbackEvent) -> None:
    """Put out a plain answer to what an agent wrote."""
    outbox = work.send("app_text", f"app_text:{row.id}", {"text": text}, About(agent_id=agent.id))
    outbox.deadline = work.now + timedelta(hours=1)
