"""Manual moves: a card is moved by hand, and the latest move undone, from the board or the customer's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.agents.manual_moves import MoveRefusedError, give_reason, move_by_hand, offered_reasons, undo_move
from bot.customers.state import CustomerState, last_move, load_customer
from bot.platform.database import audit_log
from bot.platform.models import Placement, StageMove
from bot.platform.work import Work
from bot.sops.outlook import outlook
from bot.web.auth.access import customer_or_404, needs
from bot.web.auth.visitor import WORKING, visitor
from bot.web.board.move_words import effect_words, outlook_words
from bot.web.layout.actors import actor_names
from bot.web.layout.answers import done, refused
from bot.web.layout.labels import CAUSES, label, visible_name
from bot.web.layout.languages import translate
from bot.web.layout.requests import LARGEST_ID, current_system
from bot.wecom.errors import BotError
from sop.reasons import OfferedReason

_MOST_OFFERED = 6
MOVED: dict[str, Any] = {"card-moved": {}}  # an HX-Trigger event: the pages' scripts then fetch the changes

pages = Blueprint("moves", __name__)
pages.before_request(needs(*WORKING))


class _MovedMeanwhileError(BotError):
    """Somebody else moved the card since it was shown."""


@pages.post(f"/c/<int(max={LARGEST_ID}):customer_id>/move")
def move(customer_id: int) -> Response:
    """Move to the stage `to` of `pipeline`, if the placement's `serial` is still the one that was shown."""
    system = current_system()
    pipeline, to, serial = (request.form.get(name, "") for name in ("pipeline", "to", "serial"))
    who = visitor()
    try:
        with system.work() as work:
            state = _locked_state(work.session, customer_id)
            name = visible_name(state.customer.name) or translate("未命名")
            _check_serial(work.session, state, pipeline, serial)
            made = move_by_hand(work, state, pipeline, to, who.actor)
            row, follows = made.row, effect_words(work.settings, made.effects)
            offered = offered_reasons(work, state, pipeline)
            _record(work, who.actor, "stage.move", row)
    except (MoveRefusedError, _MovedMeanwhileError) as why:
        return refused(translate(str(why)), **MOVED)
    except IntegrityError:  # two moves got the same serial: the other one was committed first
        return refused(translate("刚刚有人也移动了这位客户，请看最新的位置再试"), **MOVED)
    undo = url_for("moves.undo", customer_id=customer_id, move_id=row.id) if row.from_stage else ""
    said = translate("{name} 已移到「{stage}」", name=_short(name), stage=row.to_stage)
    ask = _ask(customer_id, pipeline, offered) if offered else None
    return done(" · ".join([said, *follows]), undo=undo, ask=ask, **MOVED)


@pages.post(f"/c/<int(max={LARGEST_ID}):customer_id>/reason")
def reason(customer_id: int) -> Response:
    """Keep the reason why the card of `pipeline` lies where it does."""
    pipeline, why = request.form.get("pipeline", ""), request.form.get("reason", "")
    who = visitor()
    try:
        with current_system().work() as work:
            state = _locked_state(work.session, customer_id)
            row = give_reason(work, state, pipeline, why)
            _record(work, who.actor, "stage.reason", row)
    except MoveRefusedError as refusal:
        return refused(translate(str(refusal)), **MOVED)
    changed: dict[str, Any] = {"customer-changed": {}, **MOVED}
    return done(translate("已记下原因"), **changed)


def _ask(customer_id: int, pipeline: str, offered: Sequence[OfferedReason]) -> dict[str, Any]:
    """The question that the notice of a move puts: one button for each reason, those heard first."""
    return {
        "text": translate("为什么？"),
        "url": url_for("moves.reason", customer_id=customer_id),
        "fields": [{"pipeline": pipeline, "reason": one.name} for one in offered[:_MOST_OFFERED]],
        "words": [one.name for one in offered[:_MOST_OFFERED]],
    }


@pages.get(f"/c/<int(max={LARGEST_ID}):customer_id>/outlook")
def tell_outlook(customer_id: int) -> Response:
    """What a move to each stage of `pipeline` would start, stop and take up again, in words: {stage: text}."""
    with current_system().look() as work:
        state = load_customer(work.session, customer_or_404(work.session, customer_id))
        asked = request.args.get("pipeline", "")
        pipelines = [pipeline for pipeline in work.settings.pipelines if pipeline.name == asked]
        before = last_move(work.session, state, asked) if pipelines else None
        told = {stage: then for one in pipelines for stage, then in outlook(work, state, one, before).items()}
        return jsonify({stage: " · ".join(outlook_words(then)) for stage, then in told.items()})


@pages.post(f"/c/<int(max={LARGEST_ID}):customer_id>/move/<int(max={LARGEST_ID}):move_id>/undo")
def undo(customer_id: int, move_id: int) -> Response:
    """Take the customer's latest move back by another one."""
    system = current_system()
    who = visitor()
    try:
        with system.work() as work:
            state = _locked_state(work.session, customer_id)
            made = undo_move(work, state, move_id, who.actor)
            row, follows = made.row, effect_words(work.settings, made.effects)
            name = visible_name(state.customer.name) or translate("未命名")
            _record(work, who.actor, "stage.undo", row)
    except MoveRefusedError as why:
        return refused(translate(str(why)), **MOVED)
    except IntegrityError:
        return refused(translate("刚刚有人也移动了这位客户，请看最新的位置再试"), **MOVED)
    said = translate("{name} 已回到「{stage}」", name=_short(name), stage=row.to_stage)
    return done(" · ".join([said, *follows]), **MOVED)


def _locked_state(session: Session, customer_id: int) -> CustomerState:
    """The customer with their placements locked until the commit; 404 where the visitor may not see them."""
    customer = customer_or_404(session, customer_id)
    session.execute(select(Placement.id).where(Placement.customer_id == customer_id).with_for_update())
    return load_customer(session, customer)


def _record(work: Work, actor: str, action: str, row: StageMove) -> None:
    """Record the move, and flush it so that a move made meanwhile is refused here and not at the commit."""
    audit_log.record(
        work.session, actor, action, f"customer:{row.customer_id}", work.now,
        pipeline=row.pipeline, from_stage=row.from_stage, to_stage=row.to_stage,
    )  # fmt: skip
    work.session.flush()


def _check_serial(session: Session, state: CustomerState, pipeline: str, serial: str) -> None:
    placement = state.placements.get(pipeline)
    if not serial or placement is None or str(placement.serial) == serial:
        return
    row = last_move(session, state, pipeline)
    by = translate(label(CAUSES, row.cause).text) if row else ""
    if row is not None and row.actor:
        by = actor_names(session, [row.actor])[row.actor]
    text = translate("没有移动：{by} 刚把这位客户移到了「{stage}」，看板已更新", by=by, stage=placement.stage)
    raise _MovedMeanwhileError(text)


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:20] + "…"
