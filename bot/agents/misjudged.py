"""Misjudged hits: what has followed from a hit that a person calls wrong, and taking it back piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select

from bot.agents.manual_moves import HandMove, undo_move
from bot.customers.scores import MISJUDGED, fall, lift, rescore
from bot.customers.state import CustomerState
from bot.customers.tags import take_tag
from bot.platform.models import Evidence, Feedback, Message, ScoreEntry, SopEnrolment, StageMove
from bot.platform.work import Work
from bot.sops.stopping import end_enrolment
from bot.wecom.errors import BotError
from sop.triggers import trigger_of


class NothingToMendError(BotError):
    """What was to be taken back is no more; the text is for the person."""


@dataclass(frozen=True)
class Consequences:
    """What still stands of what a hit has caused. tag: they carry it for this rule's sake."""

    tag: str | None
    moves: Sequence[StageMove]
    enrolments: Sequence[SopEnrolment]


def consequences_of(work: Work, state: CustomerState, evidence: Evidence) -> Consequences:
    """What can still be taken back: the tag, moves that are the latest of their pipeline, SOPs that run."""
    carried = state.carried.get(evidence.tag)
    given = carried is not None and carried.by == "rule" and carried.rule_id == evidence.rule_id
    moves = work.session.scalars(_moves_by(evidence)).all()
    causes = {f"tag:{evidence.occasion}", *(f"move:{move.pipeline}:{move.serial}" for move in moves)}
    started = [e for e in state.enrolments if e.ended_at is None and e.cause in causes]
    return Consequences(
        tag=evidence.tag if given else None,
        moves=[move for move in moves if move.from_stage is not None and _is_latest(state, move)],
        enrolments=[e for e in started if _is_of(work, e, evidence.tag)],
    )


def take_back_tag(work: Work, state: CustomerState, evidence: Evidence, who: str) -> str:
    """Take the tag away; returns it."""
    found = consequences_of(work, state, evidence)
    if found.tag is None or not take_tag(work, state, found.tag, f"{who} 取消"):
        raise NothingToMendError("标签已经不在了")
    return found.tag


def take_back_move(work: Work, state: CustomerState, evidence: Evidence, move_id: int, who: str) -> HandMove:
    """Undo a move that the hit has caused, with all that followed. Raises MoveRefusedError, NothingToMendError."""
    if move_id not in {move.id for move in consequences_of(work, state, evidence).moves}:
        raise NothingToMendError("之后客户又移动过，请在看板上移动")
    return undo_move(work, state, move_id, who)


def end_started(work: Work, state: CustomerState, evidence: Evidence, enrolment_id: int, who: str) -> SopEnrolment:
    """End an SOP that the hit has started, with what is left of its prompts."""
    for enrolment in consequences_of(work, state, evidence).enrolments:
        if enrolment.id == enrolment_id:
            end_enrolment(work, enrolment, f"人工停止（{who[:40]}）")
            return enrolment
    raise NothingToMendError("这份跟进已经结束了")


def score_judged(work: Work, evidence: Evidence) -> None:
    """Take the points of a hit back while people call it wrong, and let them stand again once they do not."""
    words = work.session.scalars(select(Feedback.right).where(Feedback.evidence_id == evidence.id)).all()
    points = (
        (ScoreEntry.customer_id == evidence.customer_id)
        & (ScoreEntry.source == f"rule:{evidence.rule_id}")
        & (ScoreEntry.occasion == evidence.occasion)
    )
    if words.count(False) > words.count(True):
        changed = fall(work.session, points, MISJUDGED, work.now)
    elif not _is_revoked(work, evidence):
        changed = lift(work.session, points, MISJUDGED)
    else:
        changed = []
    rescore(work, changed)


def _is_revoked(work: Work, evidence: Evidence) -> bool:
    revoked = select(Message.revoked_at).where(Message.id == evidence.message_id)
    return evidence.message_id is not None and work.session.scalar(revoked) is not None


def _moves_by(evidence: Evidence) -> Select[StageMove]:
    moves = select(StageMove).where(
        StageMove.customer_id == evidence.customer_id, StageMove.trigger == evidence.tag, StageMove.cause == "tag"
    )
    if evidence.message_id is not None:
        return moves.where(StageMove.msgid == evidence.occasion)
    return moves.where(StageMove.msgid.is_(None), StageMove.moved_at >= evidence.hit_at)


def _is_latest(state: CustomerState, move: StageMove) -> bool:
    placement = state.placements.get(move.pipeline)
    return placement is not None and placement.serial == move.serial


def _is_of(work: Work, enrolment: SopEnrolment, tag: str) -> bool:
    """Whether an SOP that a tag of this message started was started by this one of its tags."""
    sop = work.settings.sops.get(enrolment.sop_id)
    trigger = trigger_of(sop) if sop is not None and not enrolment.cause.startswith("move:") else None
    return trigger is None or trigger.kind != "tag" or trigger.name == tag
