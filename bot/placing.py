"""Move: triggers move the customer's card; every move is a row of the ledger and marks the tag in WeCom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.cases import Case, Wake, open_cases, stage_before
from bot.models import Customer, Outbox, Placement, StageMove
from bot.settings import Settings
from sop.playbook import Pipeline
from sop.stages import Actor, Move, decide_move, due_timed_move


@dataclass(frozen=True)
class Moved:
    """A move that was made: the ledger's row and the pipeline it happened in."""

    pipeline: Pipeline
    row: StageMove


def move_by(
    session: Session,
    settings: Settings,
    case: Case,
    triggers: Sequence[str],
    now: datetime,
    wake: Wake,
    *,
    actor: Actor = "rule",
    who: str = "",
    msgid: str | None = None,
) -> list[Moved]:
    """Let triggers (tag names, "@events") move the customer in every pipeline they mean something to."""
    moved: list[Moved] = []
    for pipeline in settings.pipelines:
        placement = case.placements.get(pipeline.name)
        current = placement.stage if placement else None
        here = pipeline.stage(current)
        before = stage_before(session, placement) if here is not None and (here.aside or here.asleep) else None
        decided = decide_move(pipeline, current, triggers, actor, before=before)
        if isinstance(decided, Move):
            moved.append(make_move(session, settings, case, pipeline, decided, now, wake, who=who, msgid=msgid))
    return moved


def make_move(
    session: Session,
    settings: Settings,
    case: Case,
    pipeline: Pipeline,
    move: Move,
    now: datetime,
    wake: Wake,
    *,
    who: str = "",
    msgid: str | None = None,
) -> Moved:
    """Write one decided move: placement, ledger, and the WeCom tag of every agent who has the customer."""
    placement = case.placements.get(pipeline.name)
    if placement is None:
        placement = Placement(
            customer_id=case.customer.id, pipeline=pipeline.name, stage=move.to, entered_at=now, serial=1
        )
        session.add(placement)
        case.placements[pipeline.name] = placement
    else:
        placement.stage, placement.entered_at, placement.serial = move.to, now, placement.serial + 1
    row = StageMove(
        customer_id=case.customer.id,
        pipeline=pipeline.name,
        serial=placement.serial,
        from_stage=move.from_,
        to_stage=move.to,
        cause=move.cause,
        trigger=move.trigger[:64],
        msgid=msgid,
        actor=who,
        version=settings.version,
        moved_at=now,
    )
    session.add(row)
    mark_stage(session, case, pipeline.name, placement.serial, now, wake)
    return Moved(pipeline, row)


def mark_stage(session: Session, case: Case, pipeline: str, serial: int, now: datetime, wake: Wake) -> None:
    """Put out one mark_tag per agent who has the customer; what to mark is read when it is delivered."""
    for follow in case.active_follows:
        row = Outbox(
            key=f"mark:{follow.id}:{pipeline}:{serial}:{int(follow.added_at.timestamp())}"[:120],
            kind="mark_tag",
            payload={"follow_id": follow.id, "pipeline": pipeline},
            customer_id=case.customer.id,
            agent_id=follow.agent_id,
            created_at=now,
            not_before=now,
        )
        session.add(row)
        wake.outbox.append(row)


def timed_moves(
    session: Session, settings: Settings, now: datetime, wake: Wake, limit: int = 500
) -> list[tuple[Case, Moved]]:
    """Make the moves that silence has brought about; returns the cases moved."""
    made: list[tuple[Case, Moved]] = []
    for pipeline in settings.pipelines:
        for timed in pipeline.moves:
            silent_since = now - timed.after
            quiet = (
                select(Customer)
                .join(Placement, Placement.customer_id == Customer.id)
                .where(
                    Placement.pipeline == pipeline.name,
                    Placement.stage == timed.from_,
                    Placement.entered_at <= silent_since,
                    or_(Customer.last_word_at.is_(None), Customer.last_word_at <= silent_since),
                )
                .limit(limit)
            )
            cases = open_cases(session, session.scalars(quiet).all())
            for case in cases.values():
                placement = case.placements[pipeline.name]
                move = due_timed_move(
                    pipeline, placement.stage, placement.entered_at, case.customer.last_word_at, now
                )
                if move is not None:
                    made.append((case, make_move(session, settings, case, pipeline, move, now, wake)))
    return made
