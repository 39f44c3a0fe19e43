"""Messages: what an archive row becomes, stored once, with the people it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.consent import AGENT, ROOM, ConsentAnswer, Party, apply_consent, read_consents, record_consent
from bot.customers.group_chats import note_rooms
from bot.customers.identity import find_agents, find_customers, known_agents, new_follow
from bot.customers.recalled_messages import mark_revoked
from bot.customers.stages import Cause, move_by
from bot.customers.state import CustomerState, latest, load_customers
from bot.customers.tags import utterance_of
from bot.customers.tombstones import without_erased
from bot.intake.media.files import note_media
from bot.platform.config.settings import Settings
from bot.platform.database.search_index import index_words
from bot.platform.models import Agent, Customer, Message
from bot.platform.work import Work
from bot.sync.profiles import ask_profile
from bot.wecom.messages import ArchivedMessage
from taggers.utterance import Utterance

_OUTSIDERS = ("wm", "wo")


@dataclass(frozen=True)
class Arrived:
    """One archive row that could be read: its seq and the message."""

    seq: int
    message: ArchivedMessage


@dataclass
class StoredMessage:
    """One stored message with its people, as the rules see it; `silent`: no rule about words can hit it;
    `unagreed`: the customer does not let it be processed."""

    message: Message
    arrived: ArchivedMessage
    state: CustomerState | None
    agent: Agent | None
    utterance: Utterance
    silent: bool = False
    unagreed: bool = False


def store_messages(work: Work, arrived: Sequence[Arrived]) -> list[StoredMessage]:
    """Step 4: insert what is new, with its people; the order is that of the archive."""
    fresh = _of_those_who_stay(work.session, _unseen(work.session, arrived))
    ids = {party for a in fresh for party in _parties(a.message)}
    members = known_agents(work.session, ids)
    outsiders = {party for party in ids if _is_customer(party, members)}
    insiders = {party for party in ids - outsiders if not _is_robot(party, members)}
    customers = find_customers(work.session, outsiders, work.now)
    agents = find_agents(work.session, insiders, work.now)
    states = load_customers(work.session, list(customers.values()))
    talks = [_talk(a, customers, agents, states, work.settings, work.now) for a in fresh]
    _hear_consent(work.session, talks)
    if work.settings.tables.privacy.unagreed == "skip":
        talks = [talk for talk in talks if not talk.unagreed]
    work.session.add_all(talk.message for talk in talks)
    work.session.flush()
    if work.settings.tables.privacy.search_messages:
        index_words(work.session, [talk.message for talk in talks])
    mark_revoked(work, [talk.message for talk in talks])
    note_rooms(work, [talk.arrived for talk in talks])
    note_media(work, [(talk.message, talk.arrived.media) for talk in talks])
    _meet(work, talks)
    return talks


def _hear_consent(session: Session, talks: Sequence[StoredMessage]) -> None:
    """Take in what customers say about being archived, in the order they say it, and mind it for what comes after."""
    consents = read_consents(session, sorted({talk.state.customer.id for talk in talks if talk.state is not None}))
    for talk in talks:
        source, room = talk.arrived, talk.arrived.roomid
        whom = room or (talk.agent.key if talk.agent is not None else "")
        if talk.state is None or not whom:
            continue
        party = Party(talk.state.customer.id, ROOM if room else AGENT, whom)
        if source.consent and talk.message.role == "customer":
            word: ConsentAnswer = "agreed" if source.consent == "agree" else "refused"
            said_at = source.consent_at or source.sent_at
            consents.learn(record_consent(session, party, word, said_at, "message"))
            if talk.agent is not None and not room:
                apply_consent(talk.state, talk.agent.id, word)
        else:
            talk.unagreed = talk.message.unagreed = not consents.allow(party, source.sent_at)


def _meet(work: Work, talks: Sequence[StoredMessage]) -> None:
    """Two who talk are in contact, even where the event that should have said so was lost.

    Such a customer is put on the board, but gets no SOP for newcomers: he may be an old one.
    """
    met: list[tuple[CustomerState, Agent]] = []
    for talk in talks:
        if talk.state is None or talk.agent is None or talk.unagreed:
            continue
        follow = talk.state.follow_of(talk.agent)
        if follow is None:
            follow = new_follow(work.session, talk.agent, talk.state.customer, talk.message.sent_at)
            talk.state.follows.append(follow)
            met.append((talk.state, talk.agent))
        follow.last_talk_at = latest(follow.last_talk_at, talk.message.sent_at)
    work.session.flush()
    for state, agent in met:
        if not state.customer.name:
            ask_profile(work, state, agent, f"met:{agent.id}")
        if not state.placements:
            move_by(work, state, ["@added"], Cause("archive"))


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
    states: dict[int, CustomerState],
    settings: Settings,
    now: datetime,
) -> StoredMessage:
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
    state = states[customer.id] if customer else None
    return StoredMessage(message, source, state, agent, utterance_of(message, source))
