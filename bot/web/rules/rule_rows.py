"""Rows of the rules' pages: the table of rules with their figures, and the hits of one rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from bot.analytics.rule_stats import RuleFigures
from bot.platform.config.settings import Settings
from bot.platform.masking import mask
from bot.platform.models import Customer, Evidence, Feedback, Message
from bot.web.auth.access import visible_customers
from bot.web.auth.visitor import Visitor
from bot.web.customers.highlight import Mark, TextPiece, cut, marks_of
from bot.web.layout.languages import translate_stored
from taggers.conduct import CONDUCT, title_of
from taggers.rule import Rule

HITS = 20
_WORDS = 6
_AROUND, _EXCERPT = 40, 160


@dataclass(frozen=True)
class RuleRow:
    """A rule as the table lists it. `gone`: the config has it no more, the database still has hits of it."""

    id: str
    tag: str
    words: tuple[str, ...]
    more: int
    examples: int
    figures: RuleFigures
    gone: bool = False
    shadow: bool = False
    conduct: bool = False


def rule_rows(settings: Settings, figures: Mapping[str, RuleFigures], asked: str, tag: str) -> list[RuleRow]:
    """The rules in the order of the file, those that hold what was asked for in id, tag or words."""
    rows = [_row(rule, figures.get(rule.id, RuleFigures())) for rule in settings.tables.rules]
    known = {row.id for row in rows}
    gone = [one for one in figures if one not in known and figures[one].last_at is not None]
    rows += [RuleRow(one, "", (), 0, 0, figures[one], gone=True) for one in sorted(gone)]
    wanted = asked.casefold().strip()
    full = {rule.id: _all_words(rule) for rule in settings.tables.rules}
    return [
        row
        for row in rows
        if (not tag or row.tag == tag)
        and (not wanted or any(wanted in text.casefold() for text in (row.id, row.tag, *full.get(row.id, ()))))
    ]


def _row(rule: Rule, figures: RuleFigures) -> RuleRow:
    words = _all_words(rule)
    return RuleRow(
        id=rule.id,
        tag=title_of(rule) if rule.kind == CONDUCT else rule.tag or rule.field,
        words=words[:_WORDS],
        more=max(0, len(words) - _WORDS),
        examples=len(rule.examples.hit) + len(rule.examples.miss),
        figures=figures,
        shadow=rule.shadow,
        conduct=rule.kind == CONDUCT,
    )


def _all_words(rule: Rule) -> tuple[str, ...]:
    near = rule.near.words if rule.near else ()
    return (*rule.any, *rule.all, *near, *((rule.regex,) if rule.regex else ()), *rule.on)


@dataclass(frozen=True)
class HitRow:
    """One hit: of which customer, when, by which words, and what the visitor said of it (None: nothing yet)."""

    id: int
    customer_id: int
    name: str
    at: datetime
    pieces: tuple[TextPiece, ...]
    reason: str
    counted: int
    needed: int
    version: str
    said: bool | None


def read_hits(session: Session, who: Visitor, rule_id: str, before: int | None) -> tuple[list[HitRow], int | None]:
    """The newest hits of a rule on customers whom the visitor may see, and where to go on. Three queries."""
    query = (
        select(Evidence, Customer, Message.text)
        .join(Customer, Customer.id == Evidence.customer_id)
        .outerjoin(Message, Message.id == Evidence.message_id)
        .where(Evidence.rule_id == rule_id, visible_customers(session, who))
        .order_by(Evidence.hit_at.desc(), Evidence.id.desc())
        .limit(HITS + 1)
    )
    if before is not None:
        edge = session.get(Evidence, before)
        if edge is None or edge.rule_id != rule_id:
            return [], None
        same = and_(Evidence.hit_at == edge.hit_at, Evidence.id < edge.id)
        query = query.where(or_(Evidence.hit_at < edge.hit_at, same))
    rows = session.execute(query).all()
    said = _said(session, who.actor, [row[0].id for row in rows])
    shown = str if who.may_change else mask  # those who only look need no telephone numbers
    found = [_hit(evidence, customer, shown(text or ""), said) for evidence, customer, text in rows[:HITS]]
    return found, found[-1].id if len(rows) > HITS else None


def _said(session: Session, author: str, evidence_ids: Sequence[int]) -> dict[int, bool]:
    query = select(Feedback.evidence_id, Feedback.right)
    rows = session.execute(query.where(Feedback.evidence_id.in_(evidence_ids), Feedback.author == author))
    return {row.evidence_id: row.right for row in rows}


def _hit(evidence: Evidence, customer: Customer, text: str, said: Mapping[int, bool]) -> HitRow:
    return HitRow(
        id=evidence.id,
        customer_id=customer.id,
        name=customer.name,
        at=evidence.hit_at,
        pieces=excerpt(text, marks_of(evidence.spans, translate_stored(evidence.reason))),
        reason=evidence.reason,
        counted=evidence.counted,
        needed=evidence.needed,
        version=evidence.version,
        said=said.get(evidence.id),
    )


def excerpt(text: str, marks: Sequence[Mark]) -> tuple[TextPiece, ...]:
    """The part of a message around its first mark, in pieces."""
    first = min((mark.start for mark in marks), default=0)
    start = max(0, first - _AROUND) if len(text) > _EXCERPT else 0
    moved = [Mark(mark.start - start, mark.end - start, mark.why) for mark in marks]
    pieces = cut(text[start : start + _EXCERPT], moved)
    head = (TextPiece("…"),) if start else ()
    tail = (TextPiece("…"),) if len(text) > start + _EXCERPT else ()
    return (*head, *pieces, *tail)
