"""Enrolment: puts a customer on an SOP and plans its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.customers.segments import segments_of
from bot.customers.stages import Moved, cause_of
from bot.customers.state import CustomerState, load_customers
from bot.platform.config.settings import Settings
from bot.platform.database.among import among
from bot.platform.database.row_ids import next_id
from bot.platform.models import Agent, Customer, Follow, SopEnrolment, SopTask
from bot.platform.work import Work
from bot.sops.batch_gate import gate_of_batch
from bot.sops.gate import shift_row
from bot.sops.held import held_sops, restored_at
from bot.sops.prompts import note_if_before_restore, send_or_wait, wording_values
from bot.sops.shadow import note_start, noted_since_word
from bot.sops.stopping import stop_left_stage, stop_sops
from sop.enrolment import why_not_again
from sop.group_sends import channel_of
from sop.pipeline import Stage
from sop.planning import PlannedStep, plan_steps
from sop.playbook import Audience, Sop
from sop.triggers import Trigger, silences, starts
from sop.wording import render

_SILENCE_LOOK_BACK = timedelta(days=14)  # a longer silence had begun before the SOP was written


@dataclass(frozen=True)
class Start:
    """What starts an SOP. cause: names the occurrence, which enrols once; agent: who had to do with it, if anybody;
    by_hand: a person wants it, whoever the SOP's audience is; day: the local day that started it, if one did;
    ended: SOPs (by id) that would have ended before it; again: it goes on, so `again` of the SOP is not asked."""

    cause: str
    agent: Agent | None = None
    by_hand: bool = False
    day: date | None = None
    ended: frozenset[str] = frozenset()
    again: bool = False


def start_sops(
    work: Work, state: CustomerState, trigger: Trigger, cause: str, agent: Agent | None = None
) -> list[SopEnrolment]:
    """Enrol the customer in every SOP this trigger starts; for `cause` and `agent` see Start."""
    return [
        enrolment
        for sop in work.settings.starts.by(trigger)
        if (enrolment := enrol(work, state, sop, Start(cause, agent))) is not None
    ]


def enrol(work: Work, state: CustomerState, sop: Sop, start: Start) -> SopEnrolment | None:
    """Plan all steps of an SOP for the customer; None if they opted out, are on it already or have no agent."""
    owner = may_enrol(work, state, sop, start, state.stages)
    if owner is None:
        return None
    enrolment = SopEnrolment(
        id=next_id(work.session, SopEnrolment),
        customer_id=state.customer.id,
        agent_id=owner.id,
        sop_id=sop.id,
        cause=start.cause[:80],
        stop=list(sop.stop),
        version=work.settings.version,
        enrolled_at=min(
            state.happened_at or work.now, work.now
        ),  # words said between then and now are answers as well
    )
    values = wording_values(work.settings, state, owner, work.now)
    spread = work.settings.tables.budget.spread
    key = state.customer.external_userid
    planned = plan_steps(sop, _begins(work, state), work.settings.workspace, key, spread=spread, day=start.day)
    if not planned:  # every step has a date of its own, and all of them are past
        return None
    if sop.shadow and not start.by_hand:
        note_start(work, state, sop.id, enrolment.cause, max(step.expires_at for step in planned))
        return None
    enrolment.tasks = [_task(work.session, enrolment, sop, (step, render(step.text, values))) for step in planned]
    for task in enrolment.tasks:
        task.customer, task.agent = state.customer, owner
    work.session.add(enrolment)
    state.enrolments.append(enrolment)
    work.write()
    if due := [task for task in enrolment.tasks if task.due_at <= work.now]:
        send_or_wait(work, due, gate_of_batch(work, state, due) if work.batch else None)
    return enrolment


def may_enrol(work: Work, state: CustomerState, sop: Sop, start: Start, stages: Mapping[str, str]) -> Agent | None:
    """The agent who would be prompted; None where the customer is not to be put on the SOP.

    stages: where they stand, by pipeline.
    """
    owner = owner_for(state, sop, start.agent)
    running = any(e.sop_id == sop.id and e.ended_at is None for e in state.enrolments) and sop.id not in start.ended
    if state.customer.opted_out_at is not None or running or owner is None:
        return None
    if sop.for_groups or (not start.by_hand and not sop.wants(state.tags, stages.values())):
        return None
    if not start.by_hand and not _admitted(work, state, sop):
        return None
    if start.cause and _known_cause(work.session, state, sop, start.cause):
        return None
    if sop.id in held_sops(work.session):
        return None
    if start.again:
        return owner
    return None if why_not_again(sop, last_enrolled_at(work.session, state, sop), work.now) else owner


def _admitted(work: Work, state: CustomerState, sop: Sop) -> bool:
    """Whether the SOP's audience has the customer by the segments that it names."""
    if not isinstance(sop.audience, Audience) or not sop.audience.asks_for:
        return True
    return sop.audience.admits(segments_of(work, state.customer.id, sop.audience.asks_for))


def _begins(work: Work, state: CustomerState) -> datetime:
    """From when the steps count: from now on. What happened before a backup was restored was followed up in the time
    that the backup lacks: its steps count from then, so that none of them is prompted a second time."""
    happened, restored = state.happened_at, restored_at(work.session)
    if happened is not None and restored is not None and happened <= restored:
        return happened
    return work.now


def start_silence_sops(work: Work, limit: int = 500) -> int:
    """Enrol customers whose silence has just become as long as an SOP waits for."""
    started = 0
    for length in silences(work.settings.tables.sops):
        trigger = Trigger("silence", length=length)
        quiet = select(Customer).where(
            Customer.last_word_at <= work.now - length,
            Customer.last_word_at > work.now - length - _SILENCE_LOOK_BACK,
            Customer.opted_out_at.is_(None),
        )
        for sop in starts(work.settings.tables.sops, trigger):
            enrolled = select(SopEnrolment.id).where(
                SopEnrolment.customer_id == Customer.id,
                SopEnrolment.sop_id == sop.id,
                SopEnrolment.enrolled_at > Customer.last_word_at,
            )
            followed = select(Follow.id).where(Follow.customer_id == Customer.id, Follow.ended_at.is_(None))
            untouched = quiet.where(~enrolled.exists(), ~noted_since_word(sop.id), followed.exists())
            customers = work.session.scalars(untouched.limit(limit)).all()
            for state in load_customers(work.session, customers).values():
                if is_lost(work.settings, state):
                    continue
                spoke = state.customer.last_word_at
                cause = f"silence:{int(spoke.timestamp()) if spoke else 0}"
                if spoke is not None:
                    note_if_before_restore(work.session, state, spoke + length)
                started += enrol(work, state, sop, Start(cause)) is not None
    return started


@dataclass
class MoveEffects:
    """What followed from moves: the enrolments they started, stopped, and took up again."""

    started: list[SopEnrolment] = field(default_factory=list)
    stopped: list[SopEnrolment] = field(default_factory=list)
    revived: list[SopEnrolment] = field(default_factory=list)


def after_moves(work: Work, state: CustomerState, moves: Iterable[Moved], agent: Agent | None = None) -> MoveEffects:
    """Stop the SOPs of the stage left, or of a customer won or lost, and start those of the new stage."""
    effects = MoveEffects()
    for moved in moves:
        effects.stopped += stop_after(work, state, moved)
        effects.started += start_after(work, state, moved, agent)
    return effects


def stop_after(work: Work, state: CustomerState, moved: Moved) -> list[SopEnrolment]:
    """Stop what a move ends."""
    ends = ends_of(moved.pipeline.stage(moved.row.to_stage))
    return stop_sops(work, state, ends, cause_of(moved.row)) + stop_left_stage(work, state, moved)


def ends_of(stage: Stage | None) -> list[str]:
    """What entering a stage is for the SOPs that stop by it."""
    return [name for name, happened in (("lost", stage and stage.lost), ("won", stage and stage.won)) if happened]


def start_after(work: Work, state: CustomerState, moved: Moved, agent: Agent | None = None) -> list[SopEnrolment]:
    """Start the SOPs of the stage that a move led to."""
    return start_sops(work, state, Trigger("stage", moved.row.to_stage), cause_of(moved.row), agent)


def titles_of(settings: Settings, enrolments: Iterable[SopEnrolment]) -> list[str]:
    """The names of these SOPs, each once."""
    sops = [(enrolment.sop_id, settings.sops.get(enrolment.sop_id)) for enrolment in enrolments]
    return list(dict.fromkeys((sop.title or sop.id) if sop is not None else sop_id for sop_id, sop in sops))


def owner_for(state: CustomerState, sop: Sop, agent: Agent | None = None) -> Agent | None:
    """Who is prompted: the agent of the occurrence, else by the SOP's `owner`: first follow or last to talk. Never
    one towards whom the customer refused archiving."""
    follows = [follow for follow in state.active_follows if follow.agent_id not in state.refused]
    mine = next((follow for follow in follows if agent is not None and follow.agent is agent), None)
    if mine is not None:
        return mine.agent
    if not follows:
        return None
    if sop.owner == "last-talked":
        return max(follows, key=lambda follow: (follow.last_talk_at or follow.added_at, -follow.id)).agent
    return min(follows, key=lambda follow: (follow.added_at, follow.id)).agent


def last_enrolled_at(session: Session, state: CustomerState, sop: Sop) -> datetime | None:
    """When the customer was last put on the SOP; not looked up where the SOP may be repeated at any time."""
    if sop.again == "always":
        return None
    return max((at for _, at in _enrolled(session, state, sop)), default=None)


def _known_cause(session: Session, state: CustomerState, sop: Sop, cause: str) -> bool:
    return any(known == cause[:80] for known, _ in _enrolled(session, state, sop))


def _enrolled(session: Session, state: CustomerState, sop: Sop) -> list[tuple[str, datetime]]:
    """Cause and time of every enrolment of the customer in the SOP; read for all who are looked at together."""

    def read(ids: list[int]) -> Iterable[Any]:
        columns = SopEnrolment.customer_id, SopEnrolment.sop_id, SopEnrolment.cause, SopEnrolment.enrolled_at
        return session.execute(select(*columns).where(among(SopEnrolment.customer_id, ids)))

    def by_sop() -> dict[tuple[int, str], list[tuple[str, datetime]]]:
        found: dict[tuple[int, str], list[tuple[str, datetime]]] = {}
        with session.no_autoflush:  # those of this transaction are in the states
            for customer_id, sop_id, cause, at in state.fellows.ask("enrolments", read):
                found.setdefault((customer_id, sop_id), []).append((cause, at))
        return found

    stored = state.fellows.once("enrolments by SOP", by_sop).get((state.customer.id, sop.id), [])
    return stored + [(e.cause, e.enrolled_at) for e in state.enrolments if e.sop_id == sop.id]


def is_lost(settings: Settings, state: CustomerState) -> bool:
    """Whether the customer stands in a stage of those who are lost."""
    stages = [pipeline.stage(state.stages.get(pipeline.name)) for pipeline in settings.pipelines]
    return any(stage is not None and stage.lost for stage in stages)


def why_begun(sop: Sop, cause: str) -> str:
    """Say of which follow-up a step is, and why it was begun; stored_sentences.py lists what this may say."""
    kind = cause.partition(":")[0]
    started = {
        "move": f"进入「{sop.stage}」",
        "event": "新添加的客户",
        "silence": "客户一段时间没有说话",
        "tag": "新标签",
        "segment": "进了分群",
        "date": "到了日子",
        "reply": "客户回复了上一份跟进",
        "no-reply": "上一份跟进没有等到回复",
        "order": "客户下了订单",
        "refund": "客户退了款",
        "told": "别的系统说的事",
    }
    return f"{sop.title or sop.id}：{started.get(kind, '手动加入')}"


def _task(session: Session, enrolment: SopEnrolment, sop: Sop, planned: tuple[PlannedStep, str]) -> SopTask:
    step, text = planned
    return SopTask(
        id=next_id(session, SopTask),
        enrolment_id=enrolment.id,
        customer_id=enrolment.customer_id,
        agent_id=enrolment.agent_id,
        step=step.index,
        state="planned",
        due_at=step.due_at,
        expires_at=step.expires_at,
        shifts=[shift_row(shift) for shift in step.shifts],
        why=why_begun(sop, enrolment.cause)[:200],
        wording=step.text,
        text=text,
        variant=step.text_variant,
        anytime=sop.steps[step.index].anytime,
        priority=sop.priority,
        attach=[attachment.model_dump(exclude_none=True) for attachment in step.attach],
        attached=[],
        channel=channel_of(sop, step.text),
        window_seconds=int(step.reply_window.total_seconds()),
        on_reply=step.on_reply,
        on_silence=step.on_silence,
    )
