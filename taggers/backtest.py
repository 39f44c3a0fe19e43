"""Backtest: two rule books over the same recorded messages; per tag, the customers gained and lost, with evidence.

A rule about agents' conduct is compared by its name, as a tag is: the customers, and the groups, to whom it was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from taggers.groups import resolve
from taggers.hits import TagHit, enough
from taggers.rule import TagGroup
from taggers.rulebook import RuleBook
from taggers.utterance import NOWHERE, Context, Utterance

KEPT = 50
"""Changed customers per tag that are shown with their evidence; all of them are counted."""


@dataclass(frozen=True, slots=True)
class CustomerHistory:
    """Everything a customer and the agents said to each other, in order; `at` in local time (rules may ask hours).

    customer: empty where the story is of what agents said in a group.
    """

    customer: str
    utterances: Iterable[Utterance]
    channel: str = ""
    stages: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangedCustomer:
    """A customer who gains or loses a tag, with the hit (of the new book, or of the old one) and its sentence."""

    customer: str
    rule_id: str
    msgid: str
    text: str
    reason: str
    why_not: str = ""


@dataclass(slots=True)
class TagComparison:
    """The customers of one tag: before, after, how many come and go, and some of them with evidence."""

    tag: str
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    gains: list[ChangedCustomer] = field(default_factory=list)
    losses: list[ChangedCustomer] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CarriedTag:
    """A tag the customer carries: the hit that brought it, in which message, until when."""

    hit: TagHit
    utterance: Utterance
    until: datetime | None


class Judge:
    """Applies one rule book to one customer after the other, with windows, expiry and exclusive groups."""

    def __init__(self, book: RuleBook, groups: Sequence[TagGroup]) -> None:
        self.book = book
        self._groups = groups
        self._conditional = any(made.conditional for made in book.compiled)
        self.held: dict[str, CarriedTag] = {}
        self._times: dict[str, list[datetime]] = {}

    def begin(self) -> None:
        """Start on another customer."""
        self.held = {}
        self._times = {}

    def hear(self, utterance: Utterance, story: CustomerHistory) -> None:
        """Judge one utterance and carry its tags."""
        context = NOWHERE
        if self._conditional:
            hour = utterance.at.hour if utterance.at else None
            context = Context(frozenset(self.held), story.stages, story.channel, hour, group=utterance.group)
        for hit in self.book.judge(utterance, context):
            if self._is_enough(hit, utterance.at):
                self._carry(hit, utterance)

    def _is_enough(self, hit: TagHit, at: datetime | None) -> bool:
        if hit.times <= 1 or at is None:
            return hit.times <= 1
        earlier = self._times.setdefault(hit.rule_id, [])
        met = enough(hit, earlier, at)
        earlier.append(at)
        del earlier[: -hit.times]
        return met

    def _carry(self, hit: TagHit, utterance: Utterance) -> None:
        if hit.conduct:
            self.held.setdefault(hit.conduct, CarriedTag(hit, utterance, None))
            return
        if not hit.tag:
            return
        if hit.tag not in self.held:
            for tag in resolve(self.held, [hit.tag], self._groups).lost:
                del self.held[tag]
            self.held[hit.tag] = CarriedTag(hit, utterance, _until(hit, utterance.at))
        elif (until := self.held[hit.tag].until) is not None:
            first = self.held[hit.tag]
            later = _until(hit, utterance.at)
            self.held[hit.tag] = CarriedTag(first.hit, first.utterance, max(until, later) if later else None)

    def end(self, now: datetime) -> dict[str, CarriedTag]:
        """Give the tags the customer carries at the end."""
        return {tag: held for tag, held in self.held.items() if held.until is None or held.until > now}


def _until(hit: TagHit, at: datetime | None) -> datetime | None:
    return at + hit.expires if hit.expires is not None and at is not None else None


@dataclass(frozen=True, slots=True)
class Backtest:
    """The outcome over a number of customers and messages, tags with changes first."""

    customers: int
    messages: int
    tags: tuple[TagComparison, ...]


def backtest(
    old: RuleBook,
    new: RuleBook,
    stories: Iterable[CustomerHistory],
    now: datetime,
    *,
    old_groups: Sequence[TagGroup] = (),
    new_groups: Sequence[TagGroup] = (),
    kept: int = KEPT,
) -> Backtest:
    """Play every story to both books. One customer is held in memory at a time, and `kept` changes a tag."""
    before, after = Judge(old, old_groups), Judge(new, new_groups)
    changes: dict[str, TagComparison] = {}
    customers = messages = 0
    for story in stories:
        customers += bool(story.customer)
        before.begin()
        after.begin()
        for utterance in story.utterances:
            messages += 1
            before.hear(utterance, story)
            after.hear(utterance, story)
        _compare(story, before.end(now), after.end(now), old, new, changes, kept)
    return Backtest(customers, messages, _ordered(changes))


def _compare(
    story: CustomerHistory,
    had: dict[str, CarriedTag],
    has: dict[str, CarriedTag],
    old: RuleBook,
    new: RuleBook,
    changes: dict[str, TagComparison],
    kept: int,
) -> None:
    for tag in had.keys() | has.keys():
        change = changes.setdefault(tag, TagComparison(tag))
        change.before += tag in had
        change.after += tag in has
        if tag not in had:
            change.gained += 1
            if len(change.gains) < kept:
                change.gains.append(_change(story, has[tag], old))
        elif tag not in has:
            change.lost += 1
            if len(change.losses) < kept:
                change.losses.append(_change(story, had[tag], new))


def _change(story: CustomerHistory, held: CarriedTag, other: RuleBook) -> ChangedCustomer:
    """Show the hit, and why the other book's rule of the same id did not hit there."""
    hit = held.hit
    same = [one for one in other.explain(held.utterance) if one.rule_id == hit.rule_id]
    if same:
        why_not = "" if same[0].hit else same[0].reason
    else:
        known = any(rule.id == hit.rule_id for rule in other.rules)
        why_not = "未命中：句中没有这条规则的关键词" if known else "没有这条规则"
    return ChangedCustomer(story.customer, hit.rule_id, hit.msgid, held.utterance.text[:200], hit.reason, why_not)


def merge(parts: Sequence[Backtest], kept: int = KEPT) -> Backtest:
    """Put the outcomes of disjoint sets of customers together."""
    changes: dict[str, TagComparison] = {}
    for part in parts:
        for one in part.tags:
            whole = changes.setdefault(one.tag, TagComparison(one.tag))
            whole.before += one.before
            whole.after += one.after
            whole.gained += one.gained
            whole.lost += one.lost
            whole.gains = [*whole.gains, *one.gains][:kept]
            whole.losses = [*whole.losses, *one.losses][:kept]
    return Backtest(sum(part.customers for part in parts), sum(part.messages for part in parts), _ordered(changes))


def _ordered(changes: dict[str, TagComparison]) -> tuple[TagComparison, ...]:
    return tuple(sorted(changes.values(), key=lambda one: (-(one.gained + one.lost), one.tag)))
