"""Draft preview: tries a draft of the config on a typed sentence and on the newest messages before it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.platform.database.group_names import StoredTalk
from bot.platform.models import Message
from taggers.hits import Explanation, TagHit
from taggers.rulebook import RuleBook
from taggers.utterance import Sender, Utterance, place_of

LAST = 1_000
SHOWN = 10
LARGE = 0.05
"""Changed hits a message looked at from which a draft is called a large change."""


@dataclass(frozen=True)
class SampleMessage:
    """A stored message on which a draft is tried."""

    customer_id: int | None
    utterance: Utterance


@dataclass(frozen=True)
class HitDifference:
    """A message that a rule hits by one of the two books only; `why` it hits there, `why_not` in the other."""

    rule_id: str
    tag: str
    customer_id: int | None
    text: str
    why: str
    why_not: str


@dataclass(frozen=True)
class DraftComparison:
    """Hits on the messages looked at: by the book in force, by the draft, and where they differ (the newest few)."""

    messages: int
    before: int
    after: int
    gained: int
    lost: int
    gains: tuple[HitDifference, ...]
    losses: tuple[HitDifference, ...]

    @property
    def large(self) -> bool:
        """Whether so much changes that a person should look twice."""
        return self.gained + self.lost > max(5, self.messages * LARGE)


def last_messages(session: Session, limit: int = LAST) -> list[SampleMessage]:
    """The newest text messages of customers and agents, newest first; in groups also those of agents to nobody."""
    query = (
        select(Message.msgid, Message.customer_id, Message.role, Message.text, Message.roomid)
        .where(
            Message.role.in_(("customer", "agent")),
            Message.kind == "text",
            Message.action == "send",
            Message.revoked_at.is_(None),
            or_(Message.customer_id.is_not(None), (Message.role == "agent") & (Message.roomid != "")),
        )
        .order_by(Message.id.desc())
        .limit(limit)
    )
    found = []
    talk = StoredTalk(session)
    for msgid, customer_id, role, text, roomid in session.execute(query):
        sender: Sender = "agent" if role == "agent" else "customer"
        heard = talk.heard(text, roomid)
        found.append(
            SampleMessage(
                customer_id, replace(Utterance.typed(heard, msgid=msgid, sender=sender), group=bool(roomid))
            )
        )
    return found


def compare_books(
    old: RuleBook, new: RuleBook, sayings: Sequence[SampleMessage], shown: int = SHOWN
) -> DraftComparison:
    """Judge the messages by both books, without the customers' tags and stages."""
    before = after = gained = lost = 0
    gains: list[HitDifference] = []
    losses: list[HitDifference] = []
    had_all = _judged(old, sayings)
    has_all = _judged(new, sayings)
    for saying, had, has in zip(sayings, had_all, has_all, strict=True):
        before, after = before + len(had), after + len(has)
        known, fresh = {(hit.rule_id, hit.tag) for hit in had}, {(hit.rule_id, hit.tag) for hit in has}
        for hit in has:
            if (hit.rule_id, hit.tag) not in known:
                gained += 1
                if len(gains) < shown:
                    gains.append(_difference(saying, hit, old))
        for hit in had:
            if (hit.rule_id, hit.tag) not in fresh:
                lost += 1
                if len(losses) < shown:
                    losses.append(_difference(saying, hit, new))
    return DraftComparison(len(sayings), before, after, gained, lost, tuple(gains), tuple(losses))


def _judged(book: RuleBook, sayings: Sequence[SampleMessage]) -> list[tuple[TagHit, ...]]:
    told = [one.utterance for one in sayings]
    return [book.judge(one, place_of(one)) if may else () for one, may in zip(told, book.screen(told), strict=True)]


def _difference(saying: SampleMessage, hit: TagHit, other: RuleBook) -> HitDifference:
    rule_id, tag, why = hit.rule_id, hit.tag or hit.conduct, hit.reason
    told = other.explain(saying.utterance, place_of(saying.utterance))
    same = [one for one in told if one.rule_id == rule_id and not one.hit]
    if same:
        why_not = same[0].reason
    else:
        known = any(rule.id == rule_id for rule in other.rules)
        why_not = "未命中：句中没有这条规则的关键词" if known else "没有这条规则"
    return HitDifference(rule_id, tag, saying.customer_id, saying.utterance.text[:200], why, why_not)


def explain_typed(book: RuleBook, sentence: str, sender: Sender, first: str = "") -> tuple[Explanation, ...]:
    """Why each rule concerned hits a sentence or not: the rule `first` before the others, hits before misses."""
    found = book.explain(Utterance.typed(sentence, sender=sender))
    return tuple(sorted(found, key=lambda one: (one.rule_id != first, not one.hit)))
