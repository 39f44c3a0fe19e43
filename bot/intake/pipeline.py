"""The path of a message, top to bottom: store, tag, move, plan, complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.behaviour import observe_message
from bot.customers.consent import AGENT, REFUSED, ROOM, Word, mind, read_consents, take_consent
from bot.customers.group_chats import note_rooms
from bot.customers.identity import find_agents, find_customers, known_agents, new_follow
from bot.customers.recalled_messages import mark_revoked, take_back
from bot.customers.stages import move_by
from bot.customers.state import Case, Wake, latest, open_cases
from bot.customers.tags import Occasion, judge, record_hits, utterance_of
from bot.customers.tombstones import without_erased
from bot.intake.media.files import note_media
from bot.intake.sent_attachments import sending_of
from bot.platform.config.settings import Settings
from bot.platform.database.search_index import index_words
from bot.platform.failpoints import passing
from bot.platform.models import Agent, Customer, Message
from bot.sops.completion import close_by_answer, complete
from bot.sops.follow_up import Happened, answer_of, follow_up
from bot.sops.stopping import stop_by_agent
from bot.sync.profiles import ask_profile
from bot.wecom.messages import ArchivedMessage
from sop.stopping import opted_out
from taggers.utterance import Utterance

_LAST_WORDS = 200
_OUTSIDERS = ("wm", "wo")


@dataclass(frozen=True)
class Arrived:
    """One archive row that could be read: its seq and the message."""

    seq: int
    message: ArchivedMessage


@dataclass
class Talk:
    """One stored message with its people, as the rules see it; `silent`: no rule about words can hit it;
    `unagreed`: the customer does not let it be processed."""

    message: Message
    arrived: ArchivedMessage
    case: Case | None
    agent: Agent | None
    utterance: Utterance
    silent: bool = False
    unagreed: bool = False


def take_batch(session: Session, settings: Settings, now: datetime, arrived: Sequence[Arrived]) -> Wake:
    """Steps 4 to 7 for one batch, inside the caller's transaction; messages stored before are passed over."""
    wake = Wake()
    talks = store_messages(session, settings, now, arrived, wake)
    passing("stored")
    for talk, may_hit in zip(talks, settings.book.screen([talk.utterance for talk in talks]), strict=True):
        talk.silent = not may_hit
    for talk in talks:
        if talk.case is None or talk.message.action != "send" or talk.unagreed:
            continue
        if talk.arrived.consent:  # not a word to anybody
            if talk.arrived.consent == "disagree" and talk.agent is not None:
                stop_by_agent(session, talk.case, talk.agent.id, REFUSED, now)
        elif talk.message.role == "customer":
            customer_spoke(session, settings, now, talk, talk.case, wake)
        elif talk.message.role == "agent" and talk.agent is not None:
            agent_spoke(session, settings, now, talk, talk.case, talk.agent, wake)
    session.flush()
    take_back(session, settings, [talk.message for talk in talks], now)
    return wake


def store_messages(
    session: Session, settings: Settings, now: datetime, arrived: Sequence[Arrived], wake: Wake
) -> list[Talk]:
    """Step 4: insert what is new, with its people; the order is that of the archive."""
    fresh = _of_those_who_stay(session, _unseen(session, arrived))
    ids = {party for a in fresh for party in _parties(a.message)}
    members = known_agents(session, ids)
    outsiders = {party for party in ids if _is_customer(party, members)}
    insiders = {party for party in ids - outsiders if not _is_robot(party, members)}
    customers = find_customers(session, outsiders, now)
    agents = find_agents(session, insiders, now)
    cases = open_cases(session, list(customers.values()))
    talks = [_talk(a, customers, agents, cases, settings, now) for a in fresh]
    _hear_consent(session, talks)
    if settings.tables.privacy.unagreed == "skip":
        talks = [talk for talk in talks if not talk.unagreed]
    session.add_all(talk.message for talk in talks)
    session.flush()
    if settings.tables.privacy.search_messages:
        index_words(session, [talk.message for talk in talks])
    mark_revoked(session, settings, [talk.message for talk in talks], now)
    note_rooms(session, [talk.arrived for talk in talks], now, wake)
    note_media(session, settings, [(talk.message, talk.arrived.media) for talk in talks], now, wake)
    _meet(session, settings, talks, now, wake)
    return talks


def _hear_consent(session: Session, talks: Sequence[Talk]) -> None:
    """Take in what customers say about being archived, in the order they say it, and mind it for what comes after."""
    consents = read_consents(session, sorted({talk.case.customer.id for talk in talks if talk.case is not None}))
    for talk in talks:
        source, room = talk.arrived, talk.arrived.roomid
        whom = room or (talk.agent.key if talk.agent is not None else "")
        if talk.case is None or not whom:
            continue
        kind, customer_id = ROOM if room else AGENT, talk.case.customer.id
        if source.consent and talk.message.role == "customer":
            word: Word = "agreed" if source.consent == "agree" else "refused"
            said_at = source.consent_at or source.sent_at
            consents.learn(take_consent(session, customer_id, kind, whom, word, said_at, "message"))
            if talk.agent is not None and not room:
                mind(talk.case, talk.agent.id, word)
        else:
            talk.unagreed = talk.message.unagreed = not consents.allow(customer_id, kind, whom, source.sent_at)


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


def _meet(session: Session, settings: Settings, talks: Sequence[Talk], now: datetime, wake: Wake) -> None:
    """Two who talk are in contact, even where the event that should have said so was lost.

    Such a customer is put on the board, but gets no SOP for newcomers: he may be an old one.
    """
    met: list[tuple[Case, Agent]] = []
    for talk in talks:
        if talk.case is None or talk.agent is None or talk.unagreed:
            continue
        follow = talk.case.follow_of(talk.agent)
        if follow is None:
            follow = new_follow(session, talk.agent, talk.case.customer, talk.message.sent_at)
            talk.case.follows.append(follow)
            met.append((talk.case, talk.agent))
        follow.last_talk_at = latest(follow.last_talk_at, talk.message.sent_at)
    session.flush()
    for case, agent in met:
        if not case.customer.name:
            ask_profile(session, case, agent, now, wake, f"met:{agent.id}")
        if not case.placements:
            move_by(session, settings, case, ["@added"], now, wake, who="archive")


def _of_those_who_stay(session: Session, arrived: Sequence[Arrived]) -> list[Arrived]:
    """Without what erased people said or were told: an archive that is pulled again does not bring them back."""
    allowed = without_erased(session, [a.message for a in arrived])
    return [Arrived(a.seq, message) for a, message in zip(arrived, allowed, strict=True) if message is not None]


def _unseen(session: Session, arrived: Sequence[Arrived]) -> list[Arrived]:
    first = {a.message.msgid: a for a in reversed(arrived)}
    msgids = list(first)
    seen: set[str] = set()
    for start in range(0, len(msgids), 500):
        chunk = select(Message.msgid).where(Message.msgid.in_(msgids[start : start + 500]))
        seen.update(session.scalars(chunk))
    return [a for a in arrived if a.message.msgid not in seen and first[a.message.msgid] is a]


def _parties(message: ArchivedMessage) -> list[str]:
    """Whom a message is about: both ends of a single chat; of a group only who spoke. A call has no roomid however
    many take part: it is about the one outsider among them."""
    if message.roomid:
        return [message.sender]
    heard = message.recipients
    if len(heard) > 1:
        heard = tuple(person for person in heard if person.startswith(_OUTSIDERS))
    return [message.sender, *heard] if len(heard) == 1 else [message.sender]


def _is_customer(party: str, members: set[str]) -> bool:
    return party.startswith(_OUTSIDERS) and party.casefold() not in members


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
        revokes=source.revoked_msgid or None,
        unagreed=False,
    )
    case = cases[customer.id] if customer else None
    return Talk(message, source, case, agent, utterance_of(message, source))
