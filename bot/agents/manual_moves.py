"""Manual moves: moves a card as a person wants, from the board or the app's chat, and undoes moves."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.stages import Cause, make_move, unknown_of
from bot.customers.state import CustomerState, last_move
from bot.platform.config.settings import Settings
from bot.platform.models import StageMove
from bot.platform.work import Work
from bot.sops.enrolment import MoveEffects, stop_after
from bot.sops.stopping import stop_left_stage
from bot.sops.undoing import after_hand_move, end_started, revive_ended
from bot.wecom.errors import BotError
from sop.pipeline import Pipeline
from sop.reasons import OfferedReason, reasons_to_offer
from sop.stages import Hand, MoveRefusal, move_to, undo
from taggers.translatable import Translatable


class MoveRefusedError(BotError):
    """A person's move that is refused; the text is for them."""


@dataclass(frozen=True)
class HandMove:
    """A move that a person made, and what followed from it."""

    row: StageMove
    effects: MoveEffects


def place_by_hand(work: Work, state: CustomerState, pipeline: str, to: str, who: str) -> StageMove:
    """Put a card where it belongs, and start nothing: for customers who got there before they were here.

    What ends with the stage that is left ends. Raises MoveRefusedError.
    """
    table, placement = _pipeline(work.settings, pipeline), state.placements.get(pipeline)
    decided = move_to(table, placement.stage if placement else None, to, "drag", unknown_of(work.settings, state))
    if isinstance(decided, MoveRefusal):
        raise MoveRefusedError(decided.why)
    moved = make_move(work, state, table, decided, Cause(who, evidence=_words("drag", who)))
    stop_after(work, state, moved)
    return moved.row


def move_by_hand(
    work: Work, state: CustomerState, pipeline: str, to: str, who: str, cause: Hand = "drag"
) -> HandMove:
    """Move a card where a person wants it, with all that follows; it holds against rules for the pipeline's `hold`.

    Brought back to where it just came from, it takes back what followed from that move. who: the userid (or the
    admin's name) for the ledger. Raises MoveRefusedError.
    """
    table = _pipeline(work.settings, pipeline)
    placement = state.placements.get(pipeline)
    unknown = unknown_of(work.settings, state)
    decided = move_to(table, placement.stage if placement else None, to, cause, unknown)
    if isinstance(decided, MoveRefusal):
        raise MoveRefusedError(decided.why)
    before = last_move(work.session, state, pipeline)
    moved = make_move(work, state, table, decided, Cause(who, evidence=_words(cause, who)))
    return HandMove(moved.row, after_hand_move(work, state, moved, before))


def last_moves(session: Session, state: CustomerState) -> dict[str, StageMove]:
    """The latest move of each of a customer's cards, by pipeline. One query."""
    rows = session.scalars(
        select(StageMove).where(StageMove.customer_id == state.customer.id).order_by(StageMove.serial)
    )
    return {row.pipeline: row for row in rows}


def offered_reasons(work: Work, state: CustomerState, pipeline: str) -> tuple[OfferedReason, ...]:
    """The reasons that a person is asked for where a card lies now, those first that the customer has said."""
    placement = state.placements.get(pipeline)
    stage = _pipeline(work.settings, pipeline).stage(placement.stage) if placement is not None else None
    carried = sorted(state.carried.values(), key=lambda row: row.tagged_at, reverse=True)
    return reasons_to_offer(stage, [row.tag for row in carried]) if stage is not None and stage.reasons else ()


def give_reason(work: Work, state: CustomerState, pipeline: str, reason: str) -> StageMove:
    """Keep which of the stage's reasons a person gives for the card lying there. Raises MoveRefusedError."""
    placement = state.placements.get(pipeline)
    stage = _pipeline(work.settings, pipeline).stage(placement.stage) if placement is not None else None
    row = last_moves(work.session, state).get(pipeline)
    if stage is None or row is None or reason not in stage.reasons:
        raise MoveRefusedError("这里没有这个原因可选，请刷新后再试")
    row.reason = reason
    return row


def undo_move(work: Work, state: CustomerState, move_id: int, who: str) -> HandMove:
    """Undo a customer's latest move by another move that leads back (the ledger is append-only).

    What the undone move had started stops, and what it had ended goes on; the SOPs of the earlier stage are not
    started anew, since the customer has had them. Raises MoveRefusedError.
    """
    row = work.session.get(StageMove, move_id)
    if row is None or row.customer_id != state.customer.id:
        raise MoveRefusedError("没有这次移动")
    placement = state.placements.get(row.pipeline)
    if placement is None or placement.serial != row.serial:
        raise MoveRefusedError("之后客户又移动过，请先撤销后面的移动")
    table = _pipeline(work.settings, row.pipeline)
    decided = undo(table, placement.stage, row.from_stage, row.to_stage)
    if isinstance(decided, MoveRefusal):
        raise MoveRefusedError(decided.why)
    evidence = f"{who} 撤销了「{row.from_stage}」→「{row.to_stage}」"
    moved = make_move(work, state, table, decided, Cause(who, evidence=evidence))
    stopped = [*end_started(work, state, row, moved.row), *stop_left_stage(work, state, moved)]
    return HandMove(moved.row, MoveEffects(stopped=stopped, revived=revive_ended(work, state, row)))


def _pipeline(settings: Settings, name: str) -> Pipeline:
    found = next((pipeline for pipeline in settings.pipelines if pipeline.name == name), None)
    if found is None:
        raise MoveRefusedError(Translatable("配置里没有流程「{name}」", name=name))
    return found


def _words(cause: Hand, who: str) -> str:
    how = {"drag": "在看板上移动", "wecom": "在手机上改了标签", "api": "让应用移动"}
    return f"{who} {how[cause]}".strip()
