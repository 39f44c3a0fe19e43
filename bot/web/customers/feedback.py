"""Feedback on a rule's hit, 正确 or 误判, given on the rule's page or the customer's, and what 误判 takes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.agents.manual_moves import MoveRefusedError
from bot.agents.misjudged import (
    NothingToMendError,
    consequences_of,
    end_started,
    score_judged,
    take_back_move,
    take_back_tag,
)
from bot.customers.state import CustomerState, load_customer
from bot.platform import clock
from bot.platform.database import audit_log
from bot.platform.database.store import insert_new
from bot.platform.models import Evidence, Feedback
from bot.platform.work import Work
from bot.web.auth.access import customer_or_404, needs
from bot.web.auth.visitor import WORKING, visitor
from bot.web.board.move_words import effect_words
from bot.web.layout.answers import done, refused
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system

pages = Blueprint("feedback", __name__)
pages.before_request(needs(*WORKING))
_PATH = f"/evidence/<int(max={LARGEST_ID}):evidence_id>"
_WORDS = {"right": True, "wrong": False, "": None}
_CHANGED: dict[str, Any] = {"customer-changed": {}, "card-moved": {}}


@dataclass(frozen=True)
class _JudgedHit:
    """A hit, its customer, and the transaction in which something is done about it."""

    work: Work
    evidence: Evidence
    state: CustomerState

    def record(self, action: str, **detail: object) -> None:
        subject, now = f"customer:{self.state.customer.id}", self.work.now
        audit_log.record(self.work.session, visitor().actor, action, subject, now, **detail)
        self.work.session.flush()


@pages.post(f"{_PATH}/feedback")
def give(evidence_id: int) -> str:
    """Keep what `word` (right | wrong | nothing, which takes it back) says of a hit; answers with the new buttons,
    which take the place of every pair that the page has of this hit."""
    word = request.form.get("word", "?")
    if word not in _WORDS:
        abort(400)
    who, now = visitor(), clock.now()
    said = _WORDS[word]
    with current_system().work(now) as work:
        session = work.session
        evidence = _evidence_or_404(session, evidence_id)
        _keep(session, evidence, who.actor, said)
        score_judged(work, evidence)
        subject = f"evidence:{evidence_id}"
        audit_log.record(session, who.actor, "feedback.give", subject, now, word=word, rule=evidence.rule_id)
    return render_template("feedback.html", evidence_id=evidence_id, said=said, everywhere=True)


@pages.get(f"{_PATH}/mend")
def offers(evidence_id: int) -> str:
    """What has followed from a hit that was wrong, each with a button that takes it back."""
    system = current_system()
    with system.look() as work:
        evidence = _evidence_or_404(work.session, evidence_id)
        state = load_customer(work.session, customer_or_404(work.session, evidence.customer_id))
        found = consequences_of(work, state, evidence)
        titles = {sop.id: sop.title or sop.id for sop in work.settings.sops.values()}
        known = evidence.message_id is not None and any(r.id == evidence.rule_id for r in work.settings.tables.rules)
        return render_template("misjudged.html", evidence=evidence, found=found, titles=titles, has_example=known)


@pages.post(f"{_PATH}/mend/tag")
def mend_tag(evidence_id: int) -> Response:
    """Take the tag away that the hit has given."""
    who = visitor()
    try:
        with _acting_on(evidence_id) as hit:
            tag = take_back_tag(hit.work, hit.state, hit.evidence, who.name or who.actor)
            hit.record("tag.take", tag=tag)
    except NothingToMendError as why:
        return refused(translate(str(why)), **_CHANGED)
    return done(translate("已去掉标签「{tag}」", tag=tag), **_CHANGED)


@pages.post(f"{_PATH}/mend/move/<int(max={LARGEST_ID}):move_id>")
def mend_move(evidence_id: int, move_id: int) -> Response:
    """Undo a move that the hit has caused."""
    try:
        with _acting_on(evidence_id) as hit:
            undone = take_back_move(hit.work, hit.state, hit.evidence, move_id, visitor().actor)
            row, follows = undone.row, effect_words(hit.work.settings, undone.effects)
            stages = {"from_stage": row.from_stage, "to_stage": row.to_stage}
            hit.record("stage.undo", pipeline=row.pipeline, **stages)
    except (NothingToMendError, MoveRefusedError) as why:
        return refused(translate(str(why)), **_CHANGED)
    except IntegrityError:
        return refused(translate("刚刚有人也移动了这位客户，请看最新的位置再试"), **_CHANGED)
    return done(" · ".join([translate("已退回「{stage}」", stage=row.to_stage), *follows]), **_CHANGED)


@pages.post(f"{_PATH}/mend/sop/<int(max={LARGEST_ID}):enrolment_id>")
def mend_sop(evidence_id: int, enrolment_id: int) -> Response:
    """End an SOP that the hit has started."""
    try:
        with _acting_on(evidence_id) as hit:
            ended = end_started(hit.work, hit.state, hit.evidence, enrolment_id, visitor().actor)
            hit.record("sop.stop", sop=ended.sop_id)
    except NothingToMendError as why:
        return refused(translate(str(why)), **_CHANGED)
    return done(translate("已停止，后面的提醒不再发出"), **_CHANGED)


@contextmanager
def _acting_on(evidence_id: int) -> Iterator[_JudgedHit]:
    with current_system().work() as work:
        evidence = _evidence_or_404(work.session, evidence_id)
        customer = customer_or_404(work.session, evidence.customer_id)
        yield _JudgedHit(work, evidence, load_customer(work.session, customer))


def _evidence_or_404(session: Session, evidence_id: int) -> Evidence:
    evidence = session.get(Evidence, evidence_id)
    if evidence is None:
        abort(404)
    customer_or_404(session, evidence.customer_id)
    return evidence


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
