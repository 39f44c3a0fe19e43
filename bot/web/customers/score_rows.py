"""The two ledgers as a customer's page shows them: what each comes to, and why, the biggest reasons first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.scores import entries_of
from bot.customers.state import CustomerState
from bot.platform.models import Evidence, Feedback
from bot.platform.work import Work
from taggers.ledger import BEFORE, LEDGERS, Ledger, Weighed, balance, weigh

SHOWN = 8


@dataclass(frozen=True)
class HitBehind:
    """The hit that an entry of a rule rests on, and what the reader said of it."""

    evidence_id: int
    message_id: int | None
    tag: str
    reason: str
    said: bool | None


@dataclass(frozen=True)
class Reason:
    """An entry that counts. kind: rule | tag | field | order | before; name: of that rule, tag, field or
    product ("*": any).

    worth: now, with one decimal; points: as they were given; capped: more of this source that day counted less.
    """

    kind: str
    name: str
    points: int
    worth: float
    at: datetime
    capped: bool
    hit: HitBehind | None = None


@dataclass(frozen=True)
class LedgerView:
    """One ledger: what it comes to, its biggest reasons, and how many more there are."""

    ledger: Ledger
    total: int
    reasons: tuple[Reason, ...]
    more: int


def read_ledgers(work: Work, state: CustomerState, reader: str) -> tuple[LedgerView, ...]:
    """Both ledgers; two statements. reader: whose judgement of the hits is shown."""
    settings = work.settings
    weighed = weigh(entries_of(work, state), settings.score_terms, work.now, settings.zone)
    shown = {ledger: [one for one in weighed if one.entry.ledger == ledger] for ledger in LEDGERS}
    hits = _hits(work.session, state, [one for mine in shown.values() for one in mine[:SHOWN]], reader)
    return tuple(
        LedgerView(
            ledger, balance(mine, ledger), tuple(_reason(one, hits) for one in mine[:SHOWN]), len(mine[SHOWN:])
        )
        for ledger, mine in shown.items()
    )


def _reason(one: Weighed, hits: dict[tuple[str, str], HitBehind]) -> Reason:
    entry = one.entry
    kind, _, name = entry.source.partition(":")
    hit = hits.get((name, entry.occasion)) if kind == "rule" else None
    capped = one.counted != entry.points
    return Reason(kind if name else BEFORE, name, entry.points, round(one.worth, 1), entry.at, capped, hit)


def _hits(
    session: Session, state: CustomerState, shown: Sequence[Weighed], reader: str
) -> dict[tuple[str, str], HitBehind]:
    """By rule and occasion: the hits behind entries of rules."""
    entries = [one.entry for one in shown if one.entry.source.startswith("rule:")]
    if not entries:
        return {}
    mine = (Feedback.evidence_id == Evidence.id) & (Feedback.author == reader)
    query = (
        select(Evidence, Feedback.right)
        .outerjoin(Feedback, mine)
        .where(
            Evidence.customer_id == state.customer.id,
            Evidence.rule_id.in_({entry.source.removeprefix("rule:") for entry in entries}),
            Evidence.occasion.in_({entry.occasion for entry in entries}),
        )
    )
    return {
        (row.rule_id, row.occasion): HitBehind(row.id, row.message_id, row.tag, row.reason, said)
        for row, said in session.execute(query)
    }
