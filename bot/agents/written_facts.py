"""Written facts: what a person writes into a customer's fields or judges of what was heard, and what follows."""

from __future__ import annotations

from sqlalchemy import select

from bot.agents.misjudged import score_judged
from bot.customers.facts import judge_fact
from bot.customers.fields import Writer, keep_field, read_field
from bot.customers.scores import score_standing
from bot.customers.state import CustomerState
from bot.platform.database.store import insert_new
from bot.platform.models import Evidence, Feedback, ToldFact
from bot.platform.work import Work
from bot.sops.dates import start_on_learned_dates


def set_by_hand(work: Work, state: CustomerState, name: str, text: str, who: str) -> str:
    """Write a value (or clear it by an empty text), and start what waits for it; returns what is kept.

    Raises FieldRefusedError.
    """
    writer = Writer.of(work.settings, who, work.now)
    field, value = read_field(work.settings.fields, name, text, writer.day)
    keep_field(work.session, state, field, value, writer)
    score_standing(work, state)
    if value:
        start_on_learned_dates(work, state, [field.name])
    return value


def judge_by_hand(work: Work, state: CustomerState, fact_id: int, right: bool, who: str) -> ToldFact:
    """Say of a value that a rule heard whether it is right, which judges the rule too. Raises FactRefusedError."""
    before = dict(state.fields)
    row = judge_fact(work, state, fact_id, right, who)
    if state.fields.get(row.field) and state.fields.get(row.field) != before.get(row.field):
        start_on_learned_dates(work, state, [row.field])
    _feed_back(work, row, right, who)
    return row


def _feed_back(work: Work, row: ToldFact, right: bool, who: str) -> None:
    hit = select(Evidence).where(Evidence.message_id == row.message_id, Evidence.rule_id == row.rule_id)
    evidence = work.session.scalar(hit) if row.message_id is not None else None
    if evidence is None:
        return
    mine = select(Feedback).where(Feedback.evidence_id == evidence.id, Feedback.author == who)
    known = work.session.scalar(mine)
    if known is not None:
        known.right, known.given_at = right, work.now
        score_judged(work, evidence)
        return
    given = {"evidence_id": evidence.id, "rule_id": evidence.rule_id, "right": right, "author": who}
    insert_new(work.session, Feedback, [{**given, "given_at": work.now}], ["evidence_id", "author"])
    score_judged(work, evidence)
