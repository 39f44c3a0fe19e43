"""Feedback on a rule's hit, 正确 or 误判, given on the rule's page or the customer's."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.platform import clock
from bot.platform.database.audit_log import record
from bot.platform.database.store import insert_new
from bot.platform.models import Evidence, Feedback
from bot.web.auth.access import customer_or_404, needs
from bot.web.auth.visitor import WORKING, visitor
from bot.web.layout.requests import LARGEST_ID, current_system

pages = Blueprint("feedback", __name__)
pages.before_request(needs(*WORKING))
_WORDS = {"right": True, "wrong": False, "": None}


@pages.post(f"/evidence/<int(max={LARGEST_ID}):evidence_id>/feedback")
def give(evidence_id: int) -> str:
    """Keep what `word` (right | wrong | nothing, which takes it back) says of a hit; answers with the new buttons."""
    word = request.form.get("word", "?")
    if word not in _WORDS:
        abort(400)
    who, now = visitor(), clock.now()
    system = current_system()
    with system.store.write() as session:
        evidence = session.get(Evidence, evidence_id)
        if evidence is None:
            abort(404)
        customer_or_404(session, evidence.customer_id)
        said = _WORDS[word]
        _keep(session, evidence, who.actor, said)
        record(session, who.actor, "feedback.give", f"evidence:{evidence_id}", now, word=word, rule=evidence.rule_id)
    return render_template("feedback.html", evidence_id=evidence_id, said=said)


def _keep(session: Session, evidence: Evidence, author: str, said: bool | None) -> None:
    mine = select(Feedback).where(Feedback.evidence_id == evidence.id, Feedback.author == author)
    row = session.scalar(mine)
    if said is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        fresh = {"evidence_id": evidence.id, "rule_id": evidence.rule_id, "right": said, "author": author}
        insert_new(session, Feedback, [{**fresh, "given_at": clock.now()}], ["evidence_id", "author"])
    else:
        row.right, row.given_at = said, clock.now()
