"""Facts heard: records what rules read in messages and what people write, and keeps the value that stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.scores import score_standing
from bot.customers.state import CustomerState
from bot.customers.tags import Occasion
from bot.platform.database.among import among
from bot.platform.models import CustomerField, Message, ToldFact
from bot.platform.work import Work
from bot.wecom.errors import BotError
from sop.facts import Told, beside, standing
from sop.fields import find_field
from sop.workspace import FieldDefinition
from taggers.facts import Fact, FactField, told
from taggers.hits import TagHit
from taggers.translatable import Translatable
from taggers.utterance import Utterance


class FactRefusedError(BotError):
    """A judgement that cannot be taken; the text is for people."""


def record_facts(
    work: Work, state: CustomerState, hits: Sequence[TagHit], utterance: Utterance, occasion: Occasion
) -> list[str]:
    """Keep what rules that fill fields heard in a message; returns the names of the fields whose value changed."""
    day = occasion.at.astimezone(work.settings.zone).date()
    changed: dict[str, None] = {}
    for hit in hits:
        field = find_field(work.settings.fields, hit.field) if hit.field and not hit.shadow else None
        fact = told(readable(field), utterance, hit, day) if field is not None else None
        if fact is not None and _note(work, state, fact, hit, occasion):
            changed[fact.field] = None
    if changed:
        score_standing(work, state)
    return list(changed)


@lru_cache(maxsize=500)
def readable(field: FieldDefinition) -> FactField:
    """The field as the readers of facts see it."""
    return FactField(field.name, field.kind, field.choices, field.past)


def _note(work: Work, state: CustomerState, fact: Fact, hit: TagHit, occasion: Occasion) -> bool:
    history = _history(work.session, state, fact.field)
    _note_earlier(work, state, fact.field, history)
    row = ToldFact(
        customer_id=state.customer.id, field=fact.field, value=fact.value, by="rule", rule_id=hit.rule_id,
        message_id=occasion.message_id, words=fact.words, span=[fact.start, fact.end], version=hit.version,
        told_at=occasion.at, author="", judged_by="",
    )  # fmt: skip
    work.session.add(row)
    history.append(row)
    return settle(work.session, state, fact.field)


def _note_earlier(work: Work, state: CustomerState, field: str, history: list[ToldFact]) -> None:
    """A value without a history was written by people before there was one."""
    if history or not state.fields.get(field):
        return
    row = ToldFact(
        customer_id=state.customer.id, field=field, value=state.fields[field], by="human", author="",
        words="", span=[], version="", told_at=state.customer.created_at, judged_by="",
    )  # fmt: skip
    work.session.add(row)
    history.append(row)


def note_written(session: Session, customer_id: int, field: str, value: str, source: tuple[str, datetime]) -> None:
    """Keep that a person wrote this value (or cleared the field). source: who, and when."""
    author, at = source
    session.add(
        ToldFact(
            customer_id=customer_id,
            field=field,
            value=value,
            by="human",
            author=author[:80],
            told_at=at,
        )
    )


def settle(session: Session, state: CustomerState, field: str) -> bool:
    """Bring a field to the value that stands by its history; True where that changed it."""
    stands = standing([as_told(row) for row in _history(session, state, field)])
    value = stands.value if stands is not None else ""
    if state.fields.get(field, "") == value:
        return False
    row = state.field_rows.get(field)
    if not value:
        drop_field(session, state, field)
        return True
    if row is None:
        row = CustomerField(customer_id=state.customer.id, name=field, value=value)
        session.add(row)
        state.field_rows[field] = row
    row.value = value
    state.fields[field] = value
    return True


def drop_field(session: Session, state: CustomerState, field: str) -> None:
    """Have nothing stand for a field any more."""
    state.fields.pop(field, None)
    row = state.field_rows.pop(field, None)
    if row is not None and row in session.new:
        session.expunge(row)
    elif row is not None:
        session.delete(row)


def judge_fact(work: Work, state: CustomerState, fact_id: int, right: bool, who: str) -> ToldFact:
    """Take a person's word on what a rule heard: right, and it stands against rules; wrong, and it falls."""
    row = work.session.get(ToldFact, fact_id)
    if row is None or row.customer_id != state.customer.id or row.by != "rule":
        raise FactRefusedError(Translatable("没有这条听到的资料"))
    row.right, row.judged_by, row.judged_at = right, who[:80], work.now
    work.session.flush()
    state.told = None
    settle(work.session, state, row.field)
    score_standing(work, state)
    return row


def withdraw_facts(work: Work, msgid: str, at: datetime, state: CustomerState | None) -> None:
    """Let fall what was heard in a message that its sender took back."""
    message = select(Message.id).where(Message.msgid == msgid).scalar_subquery()
    for row in work.session.scalars(select(ToldFact).where(ToldFact.message_id == message)):
        row.withdrawn_at = row.withdrawn_at or at
        whose = state.fellows.states.get(row.customer_id) if state is not None else None
        if whose is not None:
            settle(work.session, whose, row.field)
            score_standing(work, whose)


def as_told(row: ToldFact) -> Told:
    """The row as the decision sees it."""
    return Told(
        row.value, row.by, row.told_at, row.rule_id or "", row.right, row.judged_at, row.withdrawn_at is not None
    )


def to_look_at(history: Sequence[ToldFact]) -> ToldFact | None:
    """What the customer said differently since a person's word that stands."""
    other = beside([as_told(row) for row in history])
    return next((row for row in reversed(history) if other is not None and as_told(row) == other), None)


def that_stands(history: Sequence[ToldFact]) -> ToldFact | None:
    """The row whose value stands."""
    stands = standing([as_told(row) for row in history])
    return next((row for row in reversed(history) if stands is not None and as_told(row) == stands), None)


def _history(session: Session, state: CustomerState, field: str) -> list[ToldFact]:
    return all_told(session, state).setdefault(field, [])


def all_told(session: Session, state: CustomerState) -> dict[str, list[ToldFact]]:
    """All that was told of a customer's fields, oldest first; read once for all who are looked at together."""
    if state.told is None:
        unread = [one for one in (*state.fellows.states.values(), state) if one.told is None]
        told_of: dict[int, dict[str, list[ToldFact]]] = {one.customer.id: {} for one in unread}
        for row in _read(session, list(told_of)):
            told_of[row.customer_id].setdefault(row.field, []).append(row)
        for one in unread:
            one.told = told_of[one.customer.id]
    return {} if state.told is None else state.told


def _read(session: Session, ids: list[int]) -> Iterable[ToldFact]:
    return session.scalars(select(ToldFact).where(among(ToldFact.customer_id, ids)).order_by(ToldFact.id))
