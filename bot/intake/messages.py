"""Messages: stores each archive row once, with the people it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.consent import AGENT, ROOM, ConsentAnswer, Party, read_consents, record_consent
from bot.customers.group_chats import note_rooms
from bot.customers.identity import find_agents, find_customers, known_agents, new_follow
from bot.customers.new_message import NewMessage, insert_messages
from bot.customers.stages import Cause, move_by
from bot.customers.state import CustomerState, latest, load_customers
from bot.customers.tags import utterance_of
from bot.customers.tombstones import without_erased
from bot.intake.heard import NOBODY, Surroundings, look_around, nobody_said, utterance_heard
from bot.intake.media.files import note_media
from bot.intake.repeated_messages import with_other_words
from bot.platform.database.among import among
from bot.platform.database.row_ids import expect_rows, next_id
from bot.platform.database.search_index import index_words
from bot.platform.models import Agent, Customer, GroupChat, Message
from bot.platform.work import Work
from bot.sync.profiles import ask_profile
from bot.wecom.messages import ArchivedMessage
from taggers.utterance import Utterance

_OUTSIDERS = ("wm", "wo")  # what WeCom's external_userids begin with


@dataclass(frozen=True)
class OpenedRow:
    """One archive row that could be read: its seq and the message."""

    seq: int
    message: ArchivedMessage


@dataclass
class StoredMessage:
    """One stored message with its people, as the rules see it.

    silent: no rule about words can hit it. unagreed: the customer does not allow it to be processed. answer: what
    they say in it about being archived by this agent. group: where it was said, if in a group.
    """

    message: NewMessage
    arrived: ArchivedMessage
    state: CustomerState | None
    agent: Agent | None
    utterance: Utterance
    silent: bool = False
    unagreed: bool = False
    answer: ConsentAnswer | None = None
    group: GroupChat | None = None


@dataclass(frozen=True)
class NewRows:
    """What of a batch is new, and which of the others say something else than they did before."""

    fresh: list[OpenedRow]
    changed: list[OpenedRow]


def store_messages(work: Work, new: Sequence[OpenedRow]) -> list[StoredMessage]:
    """Insert what is new, with its people, in the archive's order."""
    fresh = _without_erased(work.session, new)
    expect_rows(work.session, len(fresh))
    ids = {party for a in fresh for party in _parties(a.message)}
    members = known_agents(work.session, ids)
    outsiders = {party for party in ids if _is_customer(party, members)}
    insiders = {party for party in ids - outsiders if not _is_robot(party, members)}
    customers = find_customers(work.session, outsiders, work.now)
    agents = find_agents(work.session, insiders, work.now)
    people = _People(customers, agents, load_customers(work.session, list(customers.values())))
    around = look_around(work.session, [row.message for row in fresh])
    stored = [_stored_message(work, row, people, around) for row in fresh]
    _apply_consent_answers(work.session, stored)
    if work.settings.tables.privacy.unagreed == "skip":
        stored = [item for item in stored if not item.unagreed]
    work.session.flush()
    insert_messages(work.session, [item.message for item in stored])
    if work.settings.tables.privacy.search_messages:
        index_words(work.session, [item.message for item in stored])
    groups = note_rooms(work, [item.arrived for item in stored])
    for item in stored:
        item.group = groups.get(item.message.roomid)
    note_media(work, [(item.message, item.arrived.media) for item in stored])
    return stored


def _apply_consent_answers(session: Session, stored: Sequence[StoredMessage]) -> None:
    """Record what customers say about being archived, in the order they say it, and mark what they did not allow."""
    consents = read_consents(session, sorted({item.state.customer.id for item in stored if item.state is not None}))
    for item in stored:
        source, room = item.arrived, item.arrived.roomid
        whom = room or (item.agent.key if item.agent is not None else "")
        if item.state is None or not whom:
            continue
        party = Party(item.state.customer.id, ROOM if room else AGENT, whom)
        if source.consent and item.message.role == "customer":
            word: ConsentAnswer = "agreed" if source.consent == "agree" else "refused"
            said_at = source.consent_at or source.sent_at
            consents.learn(record_consent(session, party, word, said_at, "message"))
            item.answer = word if item.agent is not None and not room else None
        else:
            item.unagreed = item.message.unagreed = not consents.allow(party, source.sent_at)


def meet(work: Work, item: StoredMessage) -> None:
    """Record a contact between two who talk, for the event that should have said so may be lost.

    Such a customer is put on the board, but gets no SOP for newcomers: they may have been a contact for long.
    """
    state, agent, sent_at = item.state, item.agent, item.message.sent_at
    if state is None or agent is None or item.unagreed:
        return
    follow = state.follow_of(agent)
    if follow is not None:
        follow.last_talk_at = latest(follow.last_talk_at, sent_at)
        return
    follow = new_follow(work.session, agent, state.customer, sent_at)
    follow.last_talk_at = sent_at
    state.follows.append(follow)
    if not state.customer.name:
        ask_profile(work, state, agent, f"met:{agent.id}")
    if not state.placements:
        move_by(work, state, ["@added"], Cause("archive"))


def _without_erased(session: Session, arrived: Sequence[OpenedRow]) -> list[OpenedRow]:
    """Without what erased people said or were told: an archive that is pulled again does not bring them back."""
    allowed = without_erased(session, [a.message for a in arrived])
    return [OpenedRow(a.seq, message) for a, message in zip(arrived, allowed, strict=True) if message is not None]


def sort_new(session: Session, arrived: Sequence[OpenedRow]) -> NewRows:
    """Tell what is new from messages stored before, and from the second of two that are in one batch.

    A row that was stored under the same seq is one that is read once more; under another its words are compared.
    """
    first = {a.message.msgid: a for a in reversed(arrived)}
    stored = select(Message.msgid, Message.seq).where(among(Message.msgid, first))
    seen = {row.msgid: row.seq for row in session.execute(stored)}
    fresh = [a for a in arrived if a.message.msgid not in seen and first[a.message.msgid] is a]
    again = [a for a in arrived if _comes_again(a, seen, first)]
    return NewRows(fresh, with_other_words(session, again, arrived))


def _comes_again(row: OpenedRow, seen: Mapping[str, int], first: Mapping[str, OpenedRow]) -> bool:
    stored = seen.get(row.message.msgid)
    return first[row.message.msgid] is not row if stored is None else stored != row.seq


def _parties(message: ArchivedMessage) -> list[str]:
    """Whom a message is about: both ends of a single chat; of a group only who spoke.

    A call has no roomid however many take part: it is about the one outsider among them.
    """
    if message.roomid:
        return [message.sender]
    heard = message.recipients
    if len(heard) > 1:
        heard = tuple(person for person in heard if person.startswith(_OUTSIDERS))
    return [message.sender, *heard] if len(heard) == 1 else [message.sender]


def _is_customer(party: str, members: set[str]) -> bool:
    return party.startswith(_OUTSIDERS) and party.casefold() not in members


def _is_robot(party: str, members: set[str]) -> bool:
    """WeCom's robots have ids that begin with "wb"; a member's userid may do so too."""
    return not party or (party.startswith("wb") and party.casefold() not in members)


@dataclass(frozen=True)
class _People:
    """The people of one batch: customers by external_userid, agents by userid (lower case), states by customer id."""

    customers: dict[str, Customer]
    agents: dict[str, Agent]
    states: dict[int, CustomerState]

    def role_of(self, sender: str) -> str:
        if sender in self.customers:
            return "customer"
        return "agent" if sender.casefold() in self.agents else "robot"


def _stored_message(work: Work, arrived: OpenedRow, people: _People, around: Surroundings) -> StoredMessage:
    source = arrived.message
    parties = _parties(source)
    customer = next((people.customers[p] for p in parties if p in people.customers), None)
    agent = next((people.agents[p.casefold()] for p in parties if p.casefold() in people.agents), None)
    message = NewMessage(
        id=next_id(work.session, Message),
        msgid=source.msgid,
        seq=arrived.seq,
        action=source.action[:16],
        kind=source.kind[:64],
        sender=source.sender[:64],
        role=people.role_of(source.sender),
        roomid=source.roomid[:64],
        customer_id=customer.id if customer else None,
        agent_id=agent.id if agent else None,
        sent_at=source.sent_at,
        stored_at=work.now,
        text=source.content,
        line=source.line,
        raw=source.raw.decode("utf-8", "replace").replace("\x00", ""),  # PostgreSQL takes no NUL in text
        version=work.settings.version,
        revokes=source.revoked_msgid or None,
    )
    state = people.states[customer.id] if customer else None
    utterance = utterance_heard(utterance_of(message, source), source, around)
    speaker = customer if message.role == "customer" else agent
    called = [speaker.name if speaker is not None else ""]
    if nobody_said(utterance, source, called, around):
        message.role = NOBODY
    return StoredMessage(message, source, state, agent, utterance)
