"""Stages: moves a customer's card, writes each move into the ledger and puts out the tag for WeCom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import or_, select

from bot.customers.state import CustomerState, load_customers, stage_before
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Customer, Follow, Outbox, Placement, StageMove
from bot.platform.work import About, Work
from sop.fields import completeness, known_names, unknown_names
from sop.guards import Facts
from sop.pilot import is_outside_pilot
from sop.pipeline import Pipeline
from sop.scope import Owner, is_for
from sop.stages import Actor, Move, MoveRefusal, decide_move, due_timed_move, may_concern

_BY_PEOPLE = frozenset({"drag", "wecom", "api", "undo"})  # causes that hold against rules and the clock


@dataclass(frozen=True)
class Cause:
    """Why a card moves. who: a userid, an admin's name or what noticed it, empty for rules; msgid: the message that
    brought it about; evidence: the words shown beside the move."""

    who: str = ""
    msgid: str | None = None
    evidence: str = ""


BY_RULE = Cause()


@dataclass(frozen=True)
class Moved:
    """A move that was made: the ledger's row and the pipeline it happened in."""

    pipeline: Pipeline
    row: StageMove


def cause_of(row: StageMove) -> str:
    """The name of a move, unique for its customer: what it starts has it as cause, what it ends as ended_by."""
    return f"move:{row.pipeline}:{row.serial}"


def move_by(
    work: Work, state: CustomerState, triggers: Sequence[str], cause: Cause = BY_RULE, actor: Actor = "rule"
) -> list[Moved]:
    """Let triggers (tag names, "@events", "order:…") move the customer in every pipeline they mean something to."""
    moved: list[Moved] = []
    for pipeline in work.settings.pipelines:
        placement = state.placements.get(pipeline.name)
        if placement is None and not _is_for(pipeline, state):
            continue
        current = placement.stage if placement else None
        if not may_concern(pipeline, current, triggers, actor):
            continue
        here = pipeline.stage(current)
        before = stage_before(work.session, state, pipeline.name) if here is not None and here.beside else None
        decided = decide_move(pipeline, current, triggers, actor, before=before, facts=_facts(work, state, pipeline))
        if isinstance(decided, Move):
            carried = state.carried.get(decided.trigger)
            evidence = carried.reason if carried is not None else cause.evidence
            moved.append(make_move(work, state, pipeline, decided, replace(cause, evidence=evidence)))
        elif isinstance(decided, MoveRefusal) and decided.returns:
            state.returning.append(decided.to)
    return moved


def owner_of(agent: Agent) -> Owner:
    """The agent as pipelines' limits see them."""
    return Owner(agent.userid, tuple(agent.departments))


def _is_for(pipeline: Pipeline, state: CustomerState) -> bool:
    follows = state.active_follows
    channels = [state.customer.channel, *(follow.channel for follow in follows)]
    return is_for(pipeline, [owner_of(follow.agent) for follow in follows], channels)


def _facts(work: Work, state: CustomerState, pipeline: Pipeline) -> Facts:
    placement = state.placements.get(pipeline.name)
    known = known_names(work.settings.fields, state.fields)
    return Facts(
        work.now,
        known=known,
        unknown=unknown_of(work.settings, state),
        profile=completeness(pipeline.fields, known).percent,
        tags=state.tags,
        score=state.customer.conversion,
        entered_at=placement.entered_at if placement else None,
        moved_by_person_at=placement.moved_by_person_at if placement else None,
    )


def unknown_of(settings: Settings, state: CustomerState) -> frozenset[str]:
    """The fields of which nothing is known, by all their names, save those that a tag is called like."""
    return unknown_names(settings.fields, state.fields) - settings.known_tags


def make_move(work: Work, state: CustomerState, pipeline: Pipeline, move: Move, cause: Cause = BY_RULE) -> Moved:
    """Record one decided move: placement, ledger, and the WeCom tag of every agent who has the customer."""
    placement = state.placements.get(pipeline.name)
    if placement is None:
        placement = Placement(
            customer_id=state.customer.id, pipeline=pipeline.name, stage=move.to, entered_at=work.now, serial=1
        )
        work.session.add(placement)
        state.placements[pipeline.name] = placement
    else:
        placement.stage, placement.entered_at, placement.serial = move.to, work.now, placement.serial + 1
    state.previous_stage[pipeline.name] = move.from_
    if move.cause in _BY_PEOPLE:
        placement.moved_by_person_at = work.now
    row = StageMove(
        customer_id=state.customer.id,
        pipeline=pipeline.name,
        serial=placement.serial,
        from_stage=move.from_,
        to_stage=move.to,
        cause=move.cause,
        trigger=move.trigger[:64],
        evidence=cause.evidence[:200],
        msgid=cause.msgid,
        actor=cause.who,
        version=work.settings.version,
        moved_at=work.now,
    )
    work.session.add(row)
    state.moved[pipeline.name] = row
    mark_stage(work, placement, state.active_follows)
    return Moved(pipeline, row)


def mark_stage(work: Work, placement: Placement, follows: Iterable[Follow]) -> None:
    """Put out the stage's tag for each of these contacts after a move; what to mark is read when it is delivered."""
    for follow in follows:
        occasion = f"{placement.serial}:{int(follow.added_at.timestamp())}:{follow.marks or 0}"
        put_mark(work, follow, placement.pipeline, occasion)


def mark_again(work: Work, follow: Follow, pipeline: str) -> None:
    """Put out the stage's tag, or a group's, for one contact without a change, unless that waits or is under way, or
    the pilot would keep it back: every night compares anew."""
    if is_outside_pilot(work.settings.workspace.pilot, follow.agent.key):
        return
    open_rows = select(Outbox.payload).where(
        Outbox.kind == "mark_tag",
        Outbox.customer_id == follow.customer_id,
        Outbox.agent_id == follow.agent_id,
        Outbox.state.in_(("waiting", "sending")),
    )
    if any(payload["pipeline"] == pipeline for payload in work.session.scalars(open_rows)):
        return
    follow.marks += 1
    put_mark(work, follow, pipeline, f"again:{follow.marks}")


def put_mark(work: Work, follow: Follow, pipeline: str, occasion: str, **more: int) -> None:
    """Put out the tags of a pipeline's stage, or of a group that is kept on the phones, for one contact."""
    work.send(
        "mark_tag",
        f"mark:{follow.id}:{pipeline}:{occasion}",
        {"follow_id": follow.id, "pipeline": pipeline, **more},
        About(customer_id=follow.customer_id, agent_id=follow.agent_id),
    )


def timed_moves(work: Work, limit: int = 500) -> list[tuple[CustomerState, Moved]]:
    """Make the moves that are due to silence; returns the customers moved, with each move."""
    made: list[tuple[CustomerState, Moved]] = []
    for pipeline in work.settings.pipelines:
        for timed in pipeline.moves:
            silent_since = work.now - timed.after
            quiet = (
                select(Customer)
                .join(Placement, Placement.customer_id == Customer.id)
                .where(
                    Placement.pipeline == pipeline.name,
                    Placement.stage == timed.from_,
                    Placement.entered_at <= silent_since,
                    or_(
                        Placement.moved_by_person_at.is_(None),
                        Placement.moved_by_person_at <= work.now - pipeline.hold,
                    ),
                    or_(Customer.last_word_at.is_(None), Customer.last_word_at <= silent_since),
                )
                .limit(limit)
            )
            states = load_customers(work.session, work.session.scalars(quiet).all())
            for state in states.values():
                placement = state.placements[pipeline.name]
                spoke, facts = state.customer.last_word_at, _facts(work, state, pipeline)
                move = due_timed_move(pipeline, placement.stage, placement.entered_at, spoke, work.now, facts=facts)
                if move is not None:
                    since = max(placement.entered_at, spoke or placement.entered_at)
                    evidence = f"客户 {(work.now - since).days} 天没有说话"
                    moved = make_move(work, state, pipeline, move, Cause(evidence=evidence))
                    made.append((state, moved))
    return made
