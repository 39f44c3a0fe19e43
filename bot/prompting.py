"""Plan: what starts an SOP, its tasks, the prompts that are due, and everything that stops them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cases import Case, Wake, open_cases
from bot.groupsends import gather
from bot.log import get_logger
from bot.lookout import Lookout, shift_row
from bot.models import Agent, Customer, Follow, Outbox, SopEnrolment, SopTask
from bot.placing import Moved
from bot.settings import Settings
from sop.enrolling import by_priority, why_not_again
from sop.fields import show_value
from sop.gate import Drop, Wait
from sop.groupsend import channel_of
from sop.planning import PlannedStep, plan_steps
from sop.playbook import Sop
from sop.stopping import reason_of, stops
from sop.triggers import Trigger, silences, starts
from sop.wording import render

_SILENCE_LOOK_BACK = timedelta(days=14)
_log = get_logger(__name__)


def start_sops(
    session: Session,
    settings: Settings,
    case: Case,
    trigger: Trigger,
    cause: str,
    now: datetime,
    wake: Wake,
    agent: Agent | None = None,
) -> list[SopEnrolment]:
    """Enrol the customer in every SOP this trigger starts; `cause` names the occurrence, which enrols once."""
    return [
        enrolment
        for sop in by_priority(starts(settings.tables.sops, trigger))
        if (enrolment := enrol(session, settings, case, sop, cause, now, wake, agent)) is not None
    ]


def enrol(
    session: Session,
    settings: Settings,
    case: Case,
    sop: Sop,
    cause: str,
    now: datetime,
    wake: Wake,
    agent: Agent | None = None,
    *,
    by_hand: bool = False,
) -> SopEnrolment | None:
    """Plan all steps of an SOP for the customer; None if he asked for peace, is on it already or has no agent.

    by_hand: a person wants it, whoever the SOP's audience is.
    """
    owner = owner_for(case, sop, agent)
    running = any(e.sop_id == sop.id and e.ended_at is None for e in case.enrolments)
    if case.customer.opted_out_at is not None or running or owner is None:
        return None
    if not by_hand and not sop.audience.holds(case.tags, case.stages.values()):
        return None
    if _known_cause(session, case, sop, cause) or why_not_again(sop, _last_enrolled(session, case, sop), now):
        return None
    enrolment = SopEnrolment(
        customer_id=case.customer.id,
        agent_id=owner.id,
        sop_id=sop.id,
        cause=cause[:80],
        stop=list(sop.stop),
        version=settings.version,
        enrolled_at=min(case.moment or now, now),  # words said between then and now are answers as well
    )
    values = wording_values(settings, case, owner)
    spread = settings.tables.budget.spread
    planned = plan_steps(sop, now, settings.workspace, case.customer.external_userid, spread=spread)
    if not planned:  # it has steps on days of their own only, and they are past
        return None
    enrolment.tasks = [_task(step, sop, case, owner, values, _why(sop, cause)) for step in planned]
    session.add(enrolment)
    case.enrolments.append(enrolment)
    session.flush()
    send_or_wait(session, settings, [task for task in enrolment.tasks if task.due_at <= now], now, wake)
    return enrolment


def wording_values(settings: Settings, case: Case, agent: Agent) -> dict[str, str]:
    """What the placeholders of a text stand for, for this customer and agent."""
    follow = case.follow_of(agent)
    return {
        "customer.name": (follow.remark if follow else "") or case.customer.name,
        "agent.name": agent.shown_name,
        "stage": next(iter(case.stages.values()), ""),
        "company": settings.workspace.name,
    } | {
        f"customer.{name}": show_value(settings.fields[name], value)
        for name, value in case.fields.items()
        if name in settings.fields
    }


def queue_card(session: Session, task: SopTask, now: datetime, wake: Wake) -> None:
    """Put the task's card into the outbox."""
    task.state, task.prompts = "queued", (task.prompts or 0) + 1
    row = Outbox(
        key=f"card:{task.id}" + (f":{task.prompts}" if task.prompts > 1 else ""),
        kind="card",
        payload={},
        customer_id=task.customer_id,
        agent_id=task.agent_id,
        task_id=task.id,
        created_at=now,
        not_before=now,
        deadline=task.expires_at,
    )
    session.add(row)
    wake.outbox.append(row)


def put_off(task: SopTask, until: datetime, because: str) -> None:
    """Have a task prompted again later; it keeps as long to be followed as it had."""
    task.shifts = [*task.shifts, [because, task.due_at.isoformat(), until.isoformat()]][-20:]
    task.expires_at += max(until - task.due_at, timedelta(0))
    task.state, task.due_at, task.delivered_at = "planned", until, None
    task.reminded, task.told_leader_at, task.nudge_at = [], None, None


def stop_sops(session: Session, case: Case, happenings: Sequence[str], now: datetime) -> list[SopEnrolment]:
    """End the running enrolments that any of these stops, with all that is still open of them."""
    stopped = []
    for enrolment in case.enrolments:
        reason = _stopped_by(case, enrolment, happenings) if enrolment.ended_at is None else None
        if reason is not None:
            end_enrolment(session, enrolment, reason, now)
            stopped.append(enrolment)
    return stopped


def end_enrolment(session: Session, enrolment: SopEnrolment, reason: str, now: datetime) -> None:
    """End an enrolment; its open tasks are cancelled and their cards, where not yet sent, do not leave."""
    enrolment.ended_at, enrolment.ended_because = now, reason[:64]
    open_tasks = [task for task in enrolment.tasks if task.state in ("planned", "queued", "delivered", "unknown")]
    for task in open_tasks:
        task.state, task.ended_because = "cancelled", reason
    cancel_cards(session, [task.id for task in open_tasks], reason, now)


def cancel_cards(session: Session, task_ids: Sequence[int], reason: str, now: datetime) -> None:
    """Keep cards that still wait in the outbox from leaving."""
    if not task_ids:
        return
    session.flush()  # a card put out in this very transaction must be found as well
    waiting = select(Outbox).where(Outbox.task_id.in_(task_ids), Outbox.state == "waiting")
    for row in session.scalars(waiting):
        row.state, row.error, row.done_at = "cancelled", reason[:500], now


def prompt_due(session: Session, settings: Settings, now: datetime, wake: Wake, limit: int = 500) -> int:
    """Look once more at the tasks whose hour has come: queue, put off or drop each. Returns how many came due."""
    due = (
        select(SopTask)
        .where(SopTask.state == "planned", SopTask.due_at <= now)
        .order_by(SopTask.due_at, SopTask.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    tasks = session.scalars(due).all()
    customers = {task.customer_id for task in tasks}
    found = session.scalars(select(Customer).where(Customer.id.in_(customers))).all() if customers else []
    cases = open_cases(session, found)
    for task in tasks:  # names may have become known since it was planned
        task.text = render(task.wording, wording_values(settings, cases[task.customer_id], task.agent))
    send_or_wait(session, settings, tasks, now, wake)
    return len(tasks)


def send_or_wait(session: Session, settings: Settings, tasks: Sequence[SopTask], now: datetime, wake: Wake) -> None:
    """Decide about due tasks; what one agent gets at the same time is one card or one list."""
    if not tasks:
        return
    lookout = Lookout(session, settings, tasks, now)
    ready: dict[int, list[SopTask]] = {}
    together: list[SopTask] = []
    for task in sorted(tasks, key=lambda task: (not task.anytime, -task.priority, task.due_at, task.id)):
        decision = lookout.decide(task)
        if isinstance(decision, Drop):
            task.state, task.ended_because = "expired", decision.why
        elif isinstance(decision, Wait):
            task.due_at, task.shifts = decision.until, [*task.shifts, *map(shift_row, decision.shifts)][-20:]
        elif task.channel == "group-send":
            together.append(task)
        elif task.anytime:
            queue_card(session, task, now, wake)
        else:
            ready.setdefault(task.agent_id, []).append(task)
    for task in gather(session, settings, together, now, wake) if together else ():
        ready.setdefault(task.agent_id, []).append(task)
    for listed in ready.values():
        if len(listed) == 1:
            queue_card(session, listed[0], now, wake)
        else:
            queue_digest(session, listed, now, wake)


def queue_digest(session: Session, tasks: Sequence[SopTask], now: datetime, wake: Wake) -> None:
    """Put one list of several tasks of the same agent into the outbox."""
    for task in tasks:
        task.state = "queued"
    ids = [task.id for task in tasks]
    row = Outbox(
        key="digest:" + hashlib.sha256(repr(sorted(ids)).encode()).hexdigest()[:40],
        kind="digest",
        payload={"task_ids": ids},
        agent_id=tasks[0].agent_id,
        created_at=now,
        not_before=now,
        deadline=max(task.expires_at for task in tasks),
    )
    session.add(row)
    wake.outbox.append(row)


def end_finished(session: Session, now: datetime, limit: int = 500) -> int:
    """End the enrolments of which nothing is open any more."""
    still_open = (
        select(SopTask.id)
        .where(
            SopTask.enrolment_id == SopEnrolment.id,
            SopTask.state.in_(("planned", "queued", "delivered", "unknown", "completed")),
            (SopTask.state != "completed") | SopTask.window_closed_at.is_(None),
        )
        .exists()
    )
    finished = select(SopEnrolment).where(SopEnrolment.ended_at.is_(None), ~still_open).limit(limit)
    rows = session.scalars(finished).all()
    for enrolment in rows:
        enrolment.ended_at, enrolment.ended_because = now, "全部完成"
    return len(rows)


def expire_unsent(session: Session, now: datetime, limit: int = 500) -> int:
    """Let prompts expire that the agent has not followed in time."""
    late = select(SopTask).where(SopTask.state.in_(("delivered", "unknown")), SopTask.expires_at <= now).limit(limit)
    rows = session.scalars(late).all()
    for task in rows:
        task.state, task.ended_because = "expired", "员工未在有效期内发送"
    return len(rows)


def start_silence_sops(session: Session, settings: Settings, now: datetime, wake: Wake, limit: int = 500) -> int:
    """Enrol customers whose silence has just become as long as an SOP waits for."""
    started = 0
    for length in silences(settings.tables.sops):
        trigger = Trigger("silence", length=length)
        quiet = select(Customer).where(
            Customer.last_word_at <= now - length,
            Customer.last_word_at > now - length - _SILENCE_LOOK_BACK,
            Customer.opted_out_at.is_(None),
        )
        for sop in starts(settings.tables.sops, trigger):
            enrolled = select(SopEnrolment.id).where(
                SopEnrolment.customer_id == Customer.id,
                SopEnrolment.sop_id == sop.id,
                SopEnrolment.enrolled_at > Customer.last_word_at,
            )
            followed = select(Follow.id).where(Follow.customer_id == Customer.id, Follow.ended_at.is_(None))
            customers = session.scalars(quiet.where(~enrolled.exists(), followed.exists()).limit(limit)).all()
            for case in open_cases(session, customers).values():
                if is_lost(settings, case):
                    continue
                spoke = case.customer.last_word_at
                cause = f"silence:{int(spoke.timestamp()) if spoke else 0}"
                started += enrol(session, settings, case, sop, cause, now, wake) is not None
    return started


def after_moves(
    session: Session,
    settings: Settings,
    case: Case,
    moves: Iterable[Moved],
    now: datetime,
    wake: Wake,
    agent: Agent | None = None,
) -> None:
    """What follows from moves: SOPs of the stage left or of a lost customer stop, those of the new one start."""
    for moved in moves:
        stage = moved.pipeline.stage(moved.row.to_stage)
        ends = [name for name, happened in (("lost", stage and stage.lost), ("won", stage and stage.won)) if happened]
        stop_sops(session, case, ends, now)
        stop_left_stage(session, settings, case, moved, now)
        trigger = Trigger("stage", moved.row.to_stage)
        cause = f"move:{moved.pipeline.name}:{moved.row.serial}"
        start_sops(session, settings, case, trigger, cause, now, wake, agent)


def stop_left_stage(session: Session, settings: Settings, case: Case, moved: Moved, now: datetime) -> None:
    """End the SOPs of the stage that a move left, where they stop by that."""
    for enrolment in case.enrolments:
        sop = settings.sops.get(enrolment.sop_id)
        left = sop is not None and sop.stage in (None, moved.row.from_stage) and moved.row.from_stage is not None
        if enrolment.ended_at is None and left and "moved" in enrolment.stop:
            end_enrolment(session, enrolment, reason_of("moved"), now)


def _stopped_by(case: Case, enrolment: SopEnrolment, happenings: Sequence[str]) -> str | None:
    """By the stop list as it was when the customer was enrolled: an edited config does not rewrite it.

    A word is a reply only where our side has said something since then; until that he is still asking.
    """
    said = case.customer.said_to_at
    answered = said is not None and said >= enrolment.enrolled_at
    return stops(enrolment.stop, [h for h in happenings if h != "reply" or answered])


def owner_for(case: Case, sop: Sop, agent: Agent | None = None) -> Agent | None:
    """Who is prompted: the agent of the occurrence, else by the SOP's `owner`: first follow or last to talk."""
    follows = case.active_follows
    mine = next((follow for follow in follows if agent is not None and follow.agent is agent), None)
    if mine is not None:
        return mine.agent
    if not follows:
        return None
    if sop.owner == "last-talked":
        return max(follows, key=lambda follow: (follow.last_talk_at or follow.added_at, -follow.id)).agent
    return min(follows, key=lambda follow: (follow.added_at, follow.id)).agent


def _last_enrolled(session: Session, case: Case, sop: Sop) -> datetime | None:
    if sop.again == "always":
        return None
    mine = select(SopEnrolment.enrolled_at).where(
        SopEnrolment.customer_id == case.customer.id, SopEnrolment.sop_id == sop.id
    )
    return session.scalar(mine.order_by(SopEnrolment.enrolled_at.desc()).limit(1))


def _known_cause(session: Session, case: Case, sop: Sop, cause: str) -> bool:
    same = select(SopEnrolment.id).where(
        SopEnrolment.customer_id == case.customer.id, SopEnrolment.sop_id == sop.id, SopEnrolment.cause == cause[:80]
    )
    return session.scalar(same) is not None


def is_lost(settings: Settings, case: Case) -> bool:
    """Whether the customer stands in a stage of those who are lost."""
    stages = [pipeline.stage(case.stages.get(pipeline.name)) for pipeline in settings.pipelines]
    return any(stage is not None and stage.lost for stage in stages)


def _why(sop: Sop, cause: str) -> str:
    kind = cause.partition(":")[0]
    started = {
        "move": f"进入「{sop.stage}」",
        "event": "新添加的客户",
        "silence": "客户一段时间没有说话",
        "tag": "新标签",
        "date": "到了日子",
        "reply": "客户回复了上一份跟进",
        "no-reply": "上一份跟进没有等到回复",
    }
    return f"{sop.title or sop.id}：{started.get(kind, '手动加入')}"


def _task(step: PlannedStep, sop: Sop, case: Case, agent: Agent, values: dict[str, str], why: str) -> SopTask:
    return SopTask(
        customer_id=case.customer.id,
        agent_id=agent.id,
        step=step.index,
        state="planned",
        due_at=step.due_at,
        expires_at=step.expires_at,
        shifts=[shift_row(shift) for shift in step.shifts],
        why=why[:200],
        wording=step.text,
        text=render(step.text, values),
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
