"""Rule statistics: hits, the last hit, and people's feedback on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.platform.models import ConductFinding, Evidence, Feedback

WEEK, MONTH = timedelta(days=7), timedelta(days=30)


@dataclass(frozen=True)
class RuleFigures:
    """One rule's hits of the last 7 and 30 days, its last hit, and all feedback on its hits."""

    week: int = 0
    month: int = 0
    last_at: datetime | None = None
    right: int = 0
    wrong: int = 0

    @property
    def precision(self) -> float | None:
        """The share of hits that people called right; None without feedback."""
        said = self.right + self.wrong
        return self.right / said if said else None


Hits = Mapping[str, tuple[int, int, datetime]]
"""By rule: hits of the last 7 days, of the last 30, and when the last one was."""


def hit_counts(session: Session, now: datetime) -> Hits:
    """Count the hits of every rule that ever hit, by one walk along an index for each of the two kinds of rules."""
    found: dict[str, tuple[int, int, datetime]] = {}
    for rule_id, at in ((Evidence.rule_id, Evidence.hit_at), (ConductFinding.rule_id, ConductFinding.said_at)):
        week, month = func.count().filter(at >= now - WEEK), func.count().filter(at >= now - MONTH)
        rows = session.execute(select(rule_id, week, month, func.max(at)).group_by(rule_id))
        found |= {name: (in_week, in_month, last_at) for name, in_week, in_month, last_at in rows}
    return found


def with_feedback(session: Session, hits: Hits) -> dict[str, RuleFigures]:
    """The figures of every rule with hits or feedback, by its id."""
    words: dict[str, list[int]] = {}
    given = select(Feedback.rule_id, Feedback.right, func.count()).group_by(Feedback.rule_id, Feedback.right)
    for rule_id, right, count in session.execute(given):
        words.setdefault(rule_id, [0, 0])[0 if right else 1] += count
    judged = select(ConductFinding.rule_id, ConductFinding.judged, func.count()).where(ConductFinding.judged != "")
    for rule_id, word, count in session.execute(judged.group_by(ConductFinding.rule_id, ConductFinding.judged)):
        words.setdefault(rule_id, [0, 0])[0 if word == "right" else 1] += count
    found = {rule_id: RuleFigures(*counts, *words.pop(rule_id, (0, 0))) for rule_id, counts in hits.items()}
    return found | {rule_id: RuleFigures(right=right, wrong=wrong) for rule_id, (right, wrong) in words.items()}
