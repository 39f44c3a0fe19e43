"""Invariants: what must hold in the database at every commit, or while workers run; one query for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from bot.customers.state import OPEN_STATES
from bot.intake.odd_rows import JUMP
from bot.intake.repeated_messages import OTHER_WORDS
from bot.ops.given_up import event_given_up
from bot.platform.database.audit_log import verify_log
from bot.platform.database.store import database_now
from bot.platform.models import (
    ArchiveCursor,
    CallbackEvent,
    ConfigVersion,
    Evidence,
    Message,
    Outbox,
    Placement,
    Quarantine,
    SopEnrolment,
    SopTask,
    StageMove,
    Tagging,
)

LATE = timedelta(minutes=2)  # work due for longer than this was lost, or no worker runs
_AT_ONCE = 1000
_OPEN = ("waiting", "sending")
_SETTLED = ("sent", "failed", "unknown", "cancelled")
FindViolations = Callable[[Session, datetime], Iterator[str]]
Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Invariant:
    """One sentence that must hold. `find` yields a line for each place where it does not.

    running: it holds only while workers and scheduler run; the others hold at every commit.
    """

    name: str
    says: str
    find: FindViolations
    running: bool = False


def _lines(session: Session, query: Rows, form: str) -> Iterator[str]:
    """Each row of the query in words; read in portions, however many there are."""
    for row in session.execute(query.execution_options(yield_per=_AT_ONCE)):
        yield form.format(*row)


def _query(make: Callable[[], Rows], form: str) -> FindViolations:
    return lambda session, now: _lines(session, make(), form)


def _duplicates(*columns: InstrumentedAttribute[Any]) -> FindViolations:
    """Rows that share values which must be unique, counted without trusting the unique keys."""
    groups = select(*columns, func.count()).group_by(*columns).having(func.count() > 1)
    form = columns[0].class_.__tablename__ + " " + " ".join("{}" for _ in columns) + "：{} 次"
    return lambda session, now: _lines(session, groups, form)


def _unjudged_messages() -> Rows:
    known = select(ConfigVersion.version)
    wrong: list[ColumnElement[bool]] = [
        Message.version.is_(None),
        Message.version.not_in(known),
        # What an erased customer said in a group is kept without sender, words and customer.
        and_(Message.role == "customer", Message.customer_id.is_(None), Message.sender != ""),
        and_(Message.role == "agent", Message.agent_id.is_(None)),
    ]
    return select(Message.id, Message.role, Message.version).where(or_(*wrong))


def _broken_ledger() -> Rows:
    whose = (StageMove.customer_id, StageMove.pipeline)
    moves = select(
        StageMove.id,
        StageMove.serial,
        StageMove.from_stage,
        func.row_number().over(partition_by=whose, order_by=StageMove.serial).label("nth"),
        func.lag(StageMove.to_stage).over(partition_by=whose, order_by=StageMove.serial).label("before"),
    ).subquery()
    wrong = or_(moves.c.serial != moves.c.nth, moves.c.from_stage.is_distinct_from(moves.c.before))
    return select(moves.c.id, moves.c.serial, moves.c.from_stage, moves.c.before).where(wrong)


def _placement_unlike_ledger() -> Rows:
    other = aliased(StageMove)
    newest = select(func.max(other.serial)).where(
        other.customer_id == Placement.customer_id, other.pipeline == Placement.pipeline
    )
    here = and_(
        StageMove.customer_id == Placement.customer_id,
        StageMove.pipeline == Placement.pipeline,
        StageMove.serial == Placement.serial,
    )
    wrong = or_(StageMove.to_stage.is_distinct_from(Placement.stage), newest.scalar_subquery() != Placement.serial)
    found = select(Placement.customer_id, Placement.pipeline, Placement.stage, StageMove.to_stage)
    return found.outerjoin(StageMove, here).where(wrong)


def _ledger_without_placement() -> Rows:
    here = and_(Placement.customer_id == StageMove.customer_id, Placement.pipeline == StageMove.pipeline)
    found = select(StageMove.customer_id, StageMove.pipeline, StageMove.to_stage).outerjoin(Placement, here)
    return found.where(Placement.id.is_(None), StageMove.serial == 1)


def _tagging_without_evidence() -> Rows:
    founded = select(Evidence.id).where(
        Evidence.customer_id == Tagging.customer_id, Evidence.rule_id == Tagging.rule_id, Evidence.tag == Tagging.tag
    )
    found = select(Tagging.id, Tagging.tag, Tagging.rule_id)
    return found.where(Tagging.by == "rule", or_(Tagging.rule_id.is_(None), ~founded.exists()))


def _evidence_of_another_message() -> Rows:
    found = select(Evidence.id, Evidence.rule_id, Evidence.occasion)
    found = found.join(Message, Message.id == Evidence.message_id)
    return found.where(
        or_(Message.customer_id.is_distinct_from(Evidence.customer_id), Message.msgid != Evidence.occasion)
    )


def _task_of_another_customer() -> Rows:
    found = select(SopTask.id, SopTask.step).join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
    return found.where(SopTask.customer_id != SopEnrolment.customer_id)


def _open_task_of_ended() -> Rows:
    found = select(SopTask.id, SopTask.state, SopEnrolment.ended_because)
    found = found.join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
    return found.where(SopEnrolment.ended_at.is_not(None), SopTask.state.in_(OPEN_STATES))


def _running_twice() -> Rows:
    who = (SopEnrolment.customer_id, SopEnrolment.sop_id)
    running = select(*who, func.count()).where(SopEnrolment.ended_at.is_(None))
    return running.group_by(*who).having(func.count() > 1)


def _task_without_times() -> Rows:
    wrong = or_(
        and_(SopTask.state == "delivered", SopTask.delivered_at.is_(None)),
        and_(SopTask.state == "completed", SopTask.completed_at.is_(None)),
        and_(SopTask.state == "replied", or_(SopTask.completed_at.is_(None), SopTask.replied_at.is_(None))),
    )
    return select(SopTask.id, SopTask.state).where(wrong)


def _inconsistent_outbox() -> Rows:
    wrong = or_(
        Outbox.state.not_in((*_OPEN, *_SETTLED)),
        and_(Outbox.state == "sending", Outbox.lease_until.is_(None)),
        and_(Outbox.state.in_(_SETTLED), Outbox.done_at.is_(None)),
        and_(Outbox.state == "sent", Outbox.attempts < 1),
    )
    return select(Outbox.id, Outbox.kind, Outbox.state).where(wrong)


def _card_of_another_task() -> Rows:
    found = select(Outbox.id, Outbox.task_id).join(SopTask, SopTask.id == Outbox.task_id)
    other = or_(SopTask.customer_id != Outbox.customer_id, SopTask.agent_id != Outbox.agent_id)
    return found.where(Outbox.kind == "card", Outbox.state.in_(_OPEN), other)


def _queued_without_outbox(session: Session, now: datetime) -> Iterator[str]:
    """Tasks that wait for a card, list or mass message which is not in the outbox."""
    lists = select(Outbox.payload).where(Outbox.kind == "digest", Outbox.state.in_(_OPEN))
    listed = {number for payload in session.scalars(lists) for number in payload.get("task_ids", [])}
    card = select(Outbox.id).where(Outbox.task_id == SopTask.id, Outbox.kind == "card", Outbox.state.in_(_OPEN))
    waiting = select(SopTask.id, SopTask.step).where(
        SopTask.state == "queued", SopTask.group_send_id.is_(None), ~card.exists()
    )
    for number, step in session.execute(waiting.execution_options(yield_per=_AT_ONCE)):
        if number not in listed:
            yield f"任务 {number}（第 {step + 1} 步）"


def _sent_card_not_recorded() -> Rows:
    found = select(Outbox.id, Outbox.task_id).join(SopTask, SopTask.id == Outbox.task_id)
    return found.where(
        Outbox.kind == "card", Outbox.state == "sent", SopTask.prompts == 1, SopTask.state == "delivered",
        SopTask.delivered_at.is_(None),
    )  # fmt: skip


def _beyond_cursor() -> Rows:
    cursor = func.coalesce(select(func.max(ArchiveCursor.seq)).scalar_subquery(), 0)
    # A seq that jumped beyond all reason was kept and not followed.
    stored = select(Message.seq.label("seq")).where(Message.seq.between(cursor + 1, cursor + JUMP))
    held = select(Quarantine.seq).where(Quarantine.seq.between(cursor + 1, cursor + JUMP))
    return stored.union_all(held).subquery().select()


def _stored_but_quarantined() -> Rows:
    found = select(Quarantine.seq, Quarantine.msgid).join(Message, Message.seq == Quarantine.seq)
    same = Message.msgid == Quarantine.msgid
    return found.where(Quarantine.released_at.is_(None), same, Quarantine.reason != OTHER_WORDS)


def _late_outbox(session: Session, now: datetime) -> Iterator[str]:
    present = database_now(session)
    late = or_(
        and_(Outbox.state == "waiting", Outbox.not_before < now - LATE),
        and_(Outbox.state == "sending", Outbox.lease_until < present - LATE),
    )
    query = select(Outbox.id, Outbox.kind, Outbox.state, Outbox.attempts).where(late).order_by(Outbox.id)
    return _lines(session, query, "{1} {0} {2}，已试 {3} 次")


def _late_events(session: Session, now: datetime) -> Iterator[str]:
    late = CallbackEvent.handled_at.is_(None) & (CallbackEvent.received_at < now - LATE)
    return _lines(session, select(CallbackEvent.id, CallbackEvent.name).where(late), "回调 {} {}")


def _given_up_events() -> Rows:
    return select(CallbackEvent.id, CallbackEvent.name, CallbackEvent.outcome).where(event_given_up())


def _late_tasks(session: Session, now: datetime) -> Iterator[str]:
    late = (SopTask.state == "planned") & (SopTask.due_at < now - LATE)
    return _lines(session, select(SopTask.id, SopTask.due_at).where(late), "任务 {} 应在 {:%m-%d %H:%M} 提醒（UTC）")


def _late_windows(session: Session, now: datetime) -> Iterator[str]:
    late = (SopTask.window_until < now - LATE) & SopTask.window_closed_at.is_(None)
    return _lines(session, select(SopTask.id, SopTask.state).where(late), "任务 {} {}")


def _late_pull(session: Session, now: datetime) -> Iterator[str]:
    late = or_(ArchiveCursor.pulled_at.is_(None), ArchiveCursor.pulled_at < now - LATE)
    query = select(ArchiveCursor.corp_id, ArchiveCursor.seq, ArchiveCursor.attempts).where(late)
    return _lines(session, query, "{} 停在 seq {}，未完成的尝试 {} 次")


def _broken_audit_chain(session: Session, now: datetime) -> Iterator[str]:
    fault = verify_log(session)
    if fault is not None:
        yield str(fault)


def _tag_twice() -> Rows:
    other = aliased(Tagging)
    same = and_(other.customer_id == Tagging.customer_id, other.tag == Tagging.tag, other.id > Tagging.id)
    found = select(Tagging.customer_id, Tagging.tag).join(other, same)
    return found.where(Tagging.removed_at.is_(None), other.removed_at.is_(None))


INVARIANTS: Sequence[Invariant] = (
    Invariant("message-once", "每条存档消息只存一次", _duplicates(Message.msgid)),
    Invariant("message-judged", "每条消息都认得出是谁说的，并由一个存着的配置版本判断过",
              _query(_unjudged_messages, "消息 {}（{}，版本 {}）")),
    Invariant("evidence-once", "同一件事对同一条规则只算一次",
              _duplicates(Evidence.customer_id, Evidence.rule_id, Evidence.occasion)),
    Invariant("evidence-message", "证据指向同一位客户的那条消息",
              _query(_evidence_of_another_message, "证据 {} {} {}")),
    Invariant("tag-once", "客户同一个标签同时只带一个", _query(_tag_twice, "客户 {} 标签 {}")),
    Invariant("tag-founded", "规则打的标签都有证据", _query(_tagging_without_evidence, "标签 {} {}，规则 {}")),
    Invariant("ledger-chain", "阶段流水首尾相接，序号连续",
              _query(_broken_ledger, "流水 {}：第 {} 步从 {} 来，前一步到 {}")),
    Invariant("ledger-replays", "重放阶段流水就得到看板",
              _query(_placement_unlike_ledger, "客户 {}「{}」看板在 {}，流水在 {}")),
    Invariant("ledger-placed", "有流水的客户都在看板上", _query(_ledger_without_placement, "客户 {}「{}」到过 {}")),
    Invariant("placement-once", "每位客户在每条流程里只有一个位置",
              _duplicates(Placement.customer_id, Placement.pipeline)),
    Invariant("enrolment-once", "同一个起因只加入一次 SOP",
              _duplicates(SopEnrolment.customer_id, SopEnrolment.sop_id, SopEnrolment.cause)),
    Invariant("enrolment-running-once", "同一个 SOP 同时只走一遍", _query(_running_twice, "客户 {} {}：{} 次")),
    Invariant("task-once", "SOP 的每一步只有一个任务", _duplicates(SopTask.enrolment_id, SopTask.step)),
    Invariant("task-customer", "任务与它的 SOP 是同一位客户", _query(_task_of_another_customer, "任务 {} 第 {} 步")),
    Invariant("task-ended", "结束了的 SOP 没有还开着的任务", _query(_open_task_of_ended, "任务 {} {}（{}）")),
    Invariant("task-times", "任务的状态与时间对得上", _query(_task_without_times, "任务 {} {}")),
    Invariant("task-outbox", "等着提醒的任务在待送出里有它的一行", _queued_without_outbox),
    Invariant("outbox-once", "同一件事只往外送一次", _duplicates(Outbox.key)),
    Invariant("outbox-state", "待送出的状态、租约与结束时间对得上", _query(_inconsistent_outbox, "{1} {0} {2}")),
    Invariant("outbox-task", "卡片送给任务的那位员工", _query(_card_of_another_task, "卡片 {} 任务 {}")),
    Invariant("outbox-told", "送到的卡片都记在任务上", _query(_sent_card_not_recorded, "卡片 {} 任务 {}")),
    Invariant("event-once", "同一个回调只记一次", _duplicates(CallbackEvent.digest)),
    Invariant("event-given-up", "没有一个回调被放下没处理（改好原因后运行 flask given-up retry）",
              _query(_given_up_events, "回调 {} {}：{}")),
    Invariant("cursor", "存下与隔离的消息都不超过游标", _query(_beyond_cursor, "seq {}")),
    Invariant("quarantine-once", "同一行只隔离一次", _duplicates(Quarantine.seq, Quarantine.digest)),
    Invariant("quarantine-held", "已经存下的消息不在隔离区", _query(_stored_but_quarantined, "seq {} {}")),
    Invariant("audit-chain", "操作日志没有被改过或删过", _broken_audit_chain),
    Invariant("outbox-late", "到点的都已送出，断掉的租约有人接手", _late_outbox, running=True),
    Invariant("event-late", "收到的回调都已处理", _late_events, running=True),
    Invariant("task-late", "到点的任务都已提醒或另有安排", _late_tasks, running=True),
    Invariant("window-late", "到期的回复窗口都已关上", _late_windows, running=True),
    Invariant("pull-late", "存档在按时拉取", _late_pull, running=True),
)  # fmt: skip
