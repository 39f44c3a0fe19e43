"""What an authentic callback event means for people, stages and SOPs; and the answers agents get in the app."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.agents.handover import TRANSFER, heir_of, inherit, taken_from
from bot.customers.behaviour import observe
from bot.customers.consent import AGENT, take_consent
from bot.customers.group_chats import ask_group, dismiss, find_group, leave_room
from bot.customers.identity import find_agents, find_customers, start_follow
from bot.customers.stages import mark_stage
from bot.customers.state import Case, Wake, open_case, open_cases
from bot.customers.tombstones import lift
from bot.intake.member_events import take_alert, take_member, take_staff
from bot.platform.config.settings import Settings
from bot.platform.database import audit_log as auditing
from bot.platform.failpoints import passing
from bot.platform.models import Agent, CallbackEvent, Customer, Outbox
from bot.sops.follow_up import Happened, follow_up
from bot.sops.stopping import stop_sops
from bot.sync.consent import ask_consent
from bot.sync.profiles import ask_library, ask_profile
from bot.wecom.callback import reopen
from bot.wecom.events import (
    AppAlert,
    AppMember,
    AppText,
    CardClick,
    ChatChange,
    CustomerChange,
    StaffChange,
    TagChange,
    read_event,
)
from taggers.occurrence import Occurrence

ROOM_EVENTS = {"add_member": "@joined", "del_member": "@quit"}
BY_TRANSFER = "DELETE_BY_TRANSFER"
WELCOME_WINDOW = timedelta(seconds=20)  # WeCom's own; later it answers 41050


def take_event(session: Session, settings: Settings, now: datetime, row: CallbackEvent) -> Wake:
    """What an authentic callback event means for people, stages and SOPs; unknown ones stay stored as they are."""
    wake = Wake()
    event = read_event(reopen(row.raw_xml))
    if isinstance(event, CustomerChange):
        row.outcome = _customer_changed(session, settings, now, event, row, wake)
    elif isinstance(event, TagChange):
        ask_library(session, str(row.id), now, wake)
        row.outcome = "tag library asked"
    elif isinstance(event, AppText):
        agent = find_agents(session, [event.userid], now)[event.userid.casefold()]
        answer_in_app(
            session, agent, answer_agent(session, settings, agent, event.content, now, wake), row, now, wake
        )
        row.outcome = "answered in the app"
    elif isinstance(event, CardClick):
        row.outcome = take_click(session, settings, event, row, now, wake)
    elif isinstance(event, ChatChange):
        row.outcome = _room_changed(session, settings, now, event, row, wake)
    elif isinstance(event, StaffChange):
        row.outcome = take_staff(session, event, row, now, wake)
    elif isinstance(event, AppMember):
        row.outcome = take_member(session, event, row, now, wake)
    elif isinstance(event, AppAlert):
        row.outcome = take_alert(session, event, now)
    else:
        row.outcome = f"stored: {type(event).__name__}"
    row.handled_at = now
    session.flush()
    return wake


def answer_in_app(session: Session, agent: Agent, text: str, row: CallbackEvent, now: datetime, wake: Wake) -> None:
    """Put out a plain answer to what an agent wrote."""
    outbox = Outbox(
        key=f"app_text:{row.id}",
        kind="app_text",
        payload={"text": text},
        agent_id=agent.id,
        created_at=now,
        not_before=now,
        deadline=now + timedelta(hours=1),
    )
    session.add(outbox)
    wake.outbox.append(outbox)


def _room_changed(
    session: Session, settings: Settings, now: datetime, event: ChatChange, row: CallbackEvent, wake: Wake
) -> str:
    """A group was made, changed or dismissed; customers who joined or left it, of whom those never met stay unmet."""
    chat = find_group(session, event.chat_id, now)
    if event.change == "dismiss":
        dismiss(session, chat, row.created_at)
        return "dismissed"
    ask_group(session, chat.chat_id, f"event:{row.id}", now, wake)
    if event.detail not in ROOM_EVENTS:
        return "group asked"
    if event.detail == "del_member":
        leave_room(session, chat, event.members, row.created_at)
    known = session.scalars(select(Customer).where(Customer.external_userid.in_(event.members))).all()
    for case in open_cases(session, known).values():
        trigger = ROOM_EVENTS[event.detail]
        kind: Literal["joined", "left"] = "joined" if trigger == "@joined" else "left"
        before = case.tags
        seen = Occurrence(kind, row.created_at, f"room:{row.id}")
        tags = observe(session, settings, case, seen, now)
        fresh = [tag for tag in tags if tag not in before]
        follow_up(session, settings, case, Happened(str(row.id), tags, fresh, events=[trigger]), now, wake)
    return f"{len(known)} customers {event.detail}"


def _customer_changed(
    session: Session, settings: Settings, now: datetime, event: CustomerChange, row: CallbackEvent, wake: Wake
) -> str:
    if event.change in ("add", "add_half"):
        lift(session, event.external_userid, row.created_at)
    customer = find_customers(session, [event.external_userid], now).get(event.external_userid)
    if customer is None:
        row.raw_xml = ""
        return "erased"
    agent = find_agents(session, [event.userid], now)[event.userid.casefold()]
    case = open_case(session, customer)
    if event.change in ("add", "add_half"):
        return _added(session, settings, now, case, agent, event, row, wake)
    if event.change in ("del", "del_follow_user"):
        return _left(session, settings, now, case, agent, event, row, wake)
    if event.change == "edit":
        changed_at = row.created_at.isoformat()
        ask_profile(
            session, case, agent, now, wake, f"edit:{row.id}", mirror=True, by=agent.key, changed_at=changed_at
        )
        return "profile asked"
    if event.change == "msg_audit_approved":
        take_consent(session, customer.id, AGENT, agent.key, "agreed", row.created_at, "event")
        return "agreed to be archived"
    if event.change == "transfer_fail":
        detail = {"to": agent.userid, "reason": event.fail_reason}
        auditing.record(session, "wecom", "customer.transfer-failed", f"customer:{customer.id}", now, **detail)
        ask_profile(session, case, agent, now, wake, f"transfer:{row.id}", mirror=True, takes_in=True)
        return f"not handed over: {event.fail_reason}"
    return f"stored: {event.change}"


def _added(
    session: Session,
    settings: Settings,
    now: datetime,
    case: Case,
    agent: Agent,
    event: CustomerChange,
    row: CallbackEvent,
    wake: Wake,
) -> str:
    giver, known = taken_from(case, row.created_at), case.follow_of(agent)
    if known is not None and known.ended_at is not None and known.ended_at > row.created_at:
        return "ended since"
    follow, fresh = start_follow(session, agent, case.customer, row.created_at, event.state or None)
    if follow not in case.follows:
        case.follows.append(follow)
    case.customer.channel = case.customer.channel or event.state or None
    ask_profile(session, case, agent, now, wake, f"add:{row.id}")
    ask_consent(session, agent, case.customer, f"add:{row.id}", now)
    if event.welcome_code and settings.tables.welcome is not None:
        _welcome(session, case, agent, event.welcome_code, row, now, wake)
    passing("event")
    if not fresh:
        return "already a contact"
    if giver is not None and giver is not follow:
        inherit(session, case, giver, follow, now, wake, "event")
        return f"handed over by {giver.agent.userid}"
    # One known to another agent carries his stages' tags here as well.
    for placement in case.placements.values():
        mark_stage(session, case, placement.pipeline, placement.serial, now, wake, [follow])
    before = case.tags
    seen = Occurrence("added", row.created_at, f"added:{row.id}", channel=event.state)
    tags = observe(session, settings, case, seen, now)
    gained = [tag for tag in tags if tag not in before]
    happened = Happened(str(row.id), tags=tags, fresh=gained, events=["@added"], agent=agent)
    follow_up(session, settings, case, happened, now, wake)
    return "added"


def _left(
    session: Session,
    settings: Settings,
    now: datetime,
    case: Case,
    agent: Agent,
    event: CustomerChange,
    row: CallbackEvent,
    wake: Wake,
) -> str:
    follow = case.follow_of(agent)
    handed_over = event.change == "del" and event.source == BY_TRANSFER
    if follow is None:  # the event of the beginning may still come: it must find that it is late
        follow, _ = start_follow(session, agent, case.customer, row.created_at)
        follow.ended_at, follow.ended_by = row.created_at, TRANSFER if handed_over else "agent"
        return "not a contact we know"
    if follow.ended_at is not None or follow.added_at > row.created_at:
        return "not a contact any more"
    follow.ended_at = row.created_at
    follow.ended_by = TRANSFER if handed_over else "agent" if event.change == "del" else "customer"
    if handed_over:
        heir = heir_of(case, follow, surely=True)
        if heir is not None:
            inherit(session, case, follow, heir, now, wake, "event")
            return f"handed over to {heir.agent.userid}"
        ask_profile(session, case, agent, now, wake, f"transfer:{row.id}", mirror=True, takes_in=True)
        return "handed over, heir asked for"
    mine = [e for e in case.enrolments if e.agent_id == agent.id]
    stop_sops(session, Case(case.customer, enrolments=mine), ["left"], now)
    if case.active_follows or event.change == "del":
        return "left this agent"
    tags = observe(session, settings, case, Occurrence("deleted", row.created_at, f"deleted:{row.id}"), now)
    happened = Happened(str(row.id), tags=tags, fresh=tags, events=["@lost"], happenings=["left"])
    follow_up(session, settings, case, happened, now, wake)
    return "lost"


def _welcome(
    session: Session, case: Case, agent: Agent, code: str, row: CallbackEvent, now: datetime, wake: Wake
) -> None:
    """WeCom takes a welcome within 20 s of the event, once."""
    outbox = Outbox(
        key=f"welcome:{row.id}",
        kind="welcome",
        payload={"welcome_code": code},
        customer_id=case.customer.id,
        agent_id=agent.id,
        created_at=now,
        not_before=now,
        deadline=row.created_at + WELCOME_WINDOW,
    )
    session.add(outbox)
    wake.outbox.append(outbox)
