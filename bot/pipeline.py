"""The path of a message, top to bottom: store, tag, move, plan, complete; and of an event beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cases import Case, Wake, latest, open_case, open_cases
from bot.chat import answer_agent
from bot.clicks import take_click
from bot.failpoints import passing
from bot.following import Happened, answer_of, follow_up
from bot.models import Agent, CallbackEvent, Customer, Message, Outbox
from bot.noticing import Occasion, judge, record_hits, utterance_of
from bot.observing import observe, observe_message
from bot.people import find_agents, find_customers, known_agents, start_follow
from bot.placing import mark_stage, move_by
from bot.prompting import stop_sops
from bot.proving import close_by_answer, complete
from bot.reading import ask_library, ask_profile
from bot.sendings import sending_of
from bot.settings import Settings
from bot.wecom.callback import reopen
from bot.wecom.events import AppText, CardClick, ChatChange, CustomerChange, TagChange, read_event
from bot.wecom.messages import ArchivedMessage
from sop.stopping import opted_out
from taggers.occurrence import Occurrence
from taggers.utterance import Utterance

_LAST_WORDS = 200
ROOM_EVENTS = {"add_member": "@joined", "del_member": "@quit"}
WELCOME_WINDOW = timedelta(seconds=20)  # WeCom's own; later it answers 41050


@dataclass(frozen=True)
class Arrived:
    """One archive row that could be read: its seq and the message."""

    seq: int
    message: ArchivedMessage


@dataclass
class Talk:
    """One stored message with its people, as the rules see it; `silent`: no rule about words can hit it."""

    message: Message
    arrived: ArchivedMessage
    case: Case | None
    agent: Agent | None
    utterance: Utterance
    silent: bool = False


def take_batch(session: Session, settings: Settings, now: datetime, arrived: Sequence[Arrived]) -> Wake:
    """Steps 4 to 7 for one batch, inside the caller's transaction; messages stored before are passed over."""
    wake = Wake()
    talks = store_messages(session, settings, now, arrived, wake)
    passing("stored")
    for talk, may_hit in zip(talks, settings.book.screen([talk.utterance for talk in talks]), strict=True):
        talk.silent = not may_hit
    for talk in talks:
        if talk.case is None or talk.message.action != "send":
            continue
        if talk.message.role == "customer":
            customer_spoke(session, settings, now, talk, talk.case, wake)
        elif talk.message.role == "agent" and talk.agent is not None:
            agent_spoke(session, settings, now, talk, talk.case, talk.agent, wake)
    session.flush()
    return wake


def store_messages(
    session: Session, settings: Settings, now: datetime, arrived: Sequence[Arrived], wake: Wake
) -> list[Talk]:
    """Step 4: insert what is new, with its people; the order is that of the archive."""
    fresh = _unseen(session, arrived)
    ids = {party for a in fresh for party in _parties(a.message)}
    members = known_agents(session, ids)
    outsiders = {party for party in ids if _is_customer(party, members)}
    insiders = {party for party in ids - outsiders if not _is_robot(party, members)}
    customers = find_customers(session, outsiders, now)
    agents = find_agents(session, insiders, now)
    cases = open_cases(session, list(customers.values()))
    talks = [_talk(a, customers, agents, cases, settings, now) for a in fresh]
    session.add_all(talk.message for talk in talks)
    session.flush()
    for talk in talks:
        if talk.case is not None and talk.agent is not None:
            _met(session, settings, talk.case, talk.agent, talk.message, now, wake)
    return talks


def customer_spoke(session: Session, settings: Settings, now: datetime, talk: Talk, case: Case, wake: Wake) -> None:
    """Steps 5 to 7 for a customer's message, and what his answer closes and stops."""
    message, customer, before = talk.message, case.customer, case.tags
    case.moment = message.sent_at
    tags = close_by_answer(session, settings, case, message, now)
    hits = () if talk.silent else judge(settings, case, message, talk.utterance)
    tags += record_hits(session, settings, case, hits, Occasion.of(message), now)
    tags += observe_message(session, settings, case, message, now, first=customer.last_word_at is None)
    passing("tagged")
    customer.last_word_at = latest(customer.last_word_at, message.sent_at)
    customer.last_words = (message.line or message.text)[:_LAST_WORDS]
    happenings = ["reply"]
    if message.kind == "text" and opted_out(talk.arrived.text):
        customer.opted_out_at = customer.opted_out_at or message.sent_at
        happenings.append("opted-out")
    answered, case.answered = case.answered, []
    happened = Happened(
        cause=message.msgid,
        tags=list(dict.fromkeys(tags)),
        fresh=[tag for tag in dict.fromkeys(tags) if tag not in before],
        events=["@spoke"],
        happenings=happenings,
        answers=[answer_of(task, replied=True) for task in answered],
        agent=talk.agent,
        msgid=message.msgid,
    )
    follow_up(session, settings, case, happened, now, wake)


def agent_spoke(
    session: Session, settings: Settings, now: datetime, talk: Talk, case: Case, agent: Agent, wake: Wake
) -> None:
    """Step 10 for an agent's message: it may fulfil a task; rules for agents' words are judged as well."""
    message, before = talk.message, case.tags
    case.moment = message.sent_at
    complete(session, settings, case, message, talk.arrived.text, agent, now, sending_of(talk.arrived))
    passing("completed")
    case.customer.said_to_at = latest(case.customer.said_to_at, message.sent_at)
    hits = () if talk.silent else judge(settings, case, message, talk.utterance)
    tags = record_hits(session, settings, case, hits, Occasion.of(message), now)
    fresh = [tag for tag in tags if tag not in before]
    happened = Happened(message.msgid, tags=tags, fresh=fresh, agent=agent, msgid=message.msgid)
    follow_up(session, settings, case, happened, now, wake)


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
    elif isinstance(event, ChatChange) and event.detail in ROOM_EVENTS:
        row.outcome = _room_changed(session, settings, now, event, row, wake)
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
    """Customers who joined or left a group; those never met stay unmet."""
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
    customer = find_customers(session, [event.external_userid], now)[event.external_userid]
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
    follow, fresh = start_follow(session, agent, case.customer, row.created_at, event.state or None)
    if follow not in case.follows:
        case.follows.append(follow)
    case.customer.channel = case.customer.channel or event.state or None
    ask_profile(session, case, agent, now, wake, f"add:{row.id}")
    if event.welcome_code and settings.tables.welcome is not None:
        _welcome(session, case, agent, event.welcome_code, row, now, wake)
    passing("event")
    if not fresh:
        return "already a contact"
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
    if follow is None or follow.ended_at is not None or follow.added_at > row.created_at:
        return "not a contact any more"
    follow.ended_at, follow.ended_by = row.created_at, "agent" if event.change == "del" else "customer"
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


def _met(
    session: Session, settings: Settings, case: Case, agent: Agent, message: Message, now: datetime, wake: Wake
) -> None:
    """Two who talk are in contact, even where the event that should have said so was lost.

    Such a customer is put on the board, but gets no SOP for newcomers: he may be an old one.
    """
    follow = case.follow_of(agent)
    if follow is None:
        follow, _ = start_follow(session, agent, case.customer, message.sent_at)
        case.follows.append(follow)
        if not case.customer.name:
            ask_profile(session, case, agent, now, wake, "met")
        if not case.placements:
            move_by(session, settings, case, ["@added"], now, wake, who="archive")
    follow.last_talk_at = latest(follow.last_talk_at, message.sent_at)


def _unseen(session: Session, arrived: Sequence[Arrived]) -> list[Arrived]:
    first = {a.message.msgid: a for a in reversed(arrived)}
    msgids = list(first)
    seen: set[str] = set()
    for start in range(0, len(msgids), 500):
        chunk = select(Message.msgid).where(Message.msgid.in_(msgids[start : start + 500]))
        seen.update(session.scalars(chunk))
    return [a for a in arrived if a.message.msgid not in seen and first[a.message.msgid] is a]


def _parties(message: ArchivedMessage) -> list[str]:
    """Whom a message is about: both ends of a single chat; of a group only who spoke."""
    return (
        [message.sender] if message.roomid or len(message.recipients) != 1 else [message.sender, *message.recipients]
    )


def _is_customer(party: str, members: set[str]) -> bool:
    return party.startswith(("wm", "wo")) and party.casefold() not in members


def _is_robot(party: str, members: set[str]) -> bool:
    return not party or (party.startswith("wb") and party.casefold() not in members)


def _talk(
    arrived: Arrived,
    customers: dict[str, Customer],
    agents: dict[str, Agent],
    cases: dict[int, Case],
    settings: Settings,
    now: datetime,
) -> Talk:
    source = arrived.message
    parties = _parties(source)
    customer = next((customers[p] for p in parties if p in customers), None)
    agent = next((agents[p.casefold()] for p in parties if p.casefold() in agents), None)
    role = "customer" if source.sender in customers else "agent" if source.sender.casefold() in agents else "robot"
    message = Message(
        msgid=source.msgid,
        seq=arrived.seq,
        action=source.action[:16],
        kind=source.kind[:64],
        sender=source.sender[:64],
        role=role,
        roomid=source.roomid[:64],
        customer_id=customer.id if customer else None,
        agent_id=agent.id if agent else None,
        sent_at=source.sent_at,
        stored_at=now,
        text=source.content,
        line=source.line,
        raw=source.raw.decode("utf-8", "replace").replace("\x00", ""),
        version=settings.version,
    )
    case = cases[customer.id] if customer else None
    return Talk(message, source, case, agent, utterance_of(message, source))
