"""Promises of the day: lists what an agent owes, reminds before it is due, tells the leader after, takes taps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload

from bot.agents.reading import Reader, readable
from bot.agents.reminders import Reminder
from bot.agents.task_answers import NO_DELAY
from bot.customers.promises import next_look, owed, settle_row
from bot.platform.config.settings import Settings
from bot.platform.models import Follow, Outbox, Promise
from bot.platform.work import About, Work
from bot.wecom.errors import BotError
from sop.delays import DELAYS, delayed_until
from sop.promises import alarms

KINDS = {"agent": "promise", "leader": "promise_leader"}
WORDS = ("kept", "misheard")
MOST_LISTED = 10
LATELY = timedelta(days=14)  # what was due before, or was said without a time, is listed no more
SETTLED, NO_WORD = "这件事已经处理过了", "请选做到了还是误判"
REFUSALS = (SETTLED, NO_DELAY, NO_WORD)
_CUSTOMERS = "customer"


class PromiseRefusedError(BotError):
    """An answer about a promise that cannot be taken; the text is for people."""


@dataclass(frozen=True)
class Owing:
    """Whose promises are listed, and until when what is due counts."""

    agent_id: int
    now: datetime
    until: datetime


def list_promises(session: Session, reader: Reader, owing: Owing, limit: int) -> Sequence[Promise]:
    """What an agent owes until then, and what their customers said they would do, the longest due first."""
    since = owing.now - LATELY
    untimed = Promise.due_at.is_(None) & Promise.put_off_to.is_(None) & (Promise.said_at >= since)
    timed = (_until() >= since) & (_until() < owing.until)
    query = _open().where(Promise.agent_id == owing.agent_id, or_(untimed, timed))
    query = query.where(readable(reader, Promise.customer_id))
    return session.scalars(query.order_by(func.coalesce(_until(), Promise.said_at), Promise.id).limit(limit)).all()


def promises_about(session: Session, customer_id: int, now: datetime, limit: int = 20) -> Sequence[Promise]:
    """The open promises about one customer, the longest due first."""
    query = _open().where(
        Promise.customer_id == customer_id, func.coalesce(_until(), Promise.said_at) >= now - LATELY
    )
    return session.scalars(query.order_by(func.coalesce(_until(), Promise.said_at), Promise.id).limit(limit)).all()


def judge_promise(work: Work, row: Promise, word: str, who: str) -> None:
    """Take a person's word on a promise: kept, or misheard. Raises PromiseRefusedError."""
    if word not in WORDS:
        raise PromiseRefusedError(NO_WORD)
    if row.closed_at is not None:
        raise PromiseRefusedError(SETTLED)
    row.judged, row.judged_by, row.judged_at = word, who[:80], work.now
    settle_row(work, row)


def put_off_promise(work: Work, row: Promise, option: str) -> None:
    """稍后: let a promise be due later (a key of DELAYS), and be told of anew. Raises PromiseRefusedError."""
    if option not in DELAYS:
        raise PromiseRefusedError(NO_DELAY)
    if row.closed_at is not None:
        raise PromiseRefusedError(SETTLED)
    row.put_off_to, row.told = delayed_until(option, work.settings.calendar, work.now), {}
    settle_row(work, row)


def put_off_until(work: Work, row: Promise, until: datetime) -> None:
    """推迟: let a promise be due at the first time of work from then on, and be told of anew."""
    row.put_off_to, row.told = work.settings.calendar.next_slot(until), {}
    settle_row(work, row)


def as_promised(row: Promise) -> dict[str, Any]:
    """What a person's word changes of a promise, to be restored by `restore_promise`."""
    off = row.put_off_to and row.put_off_to.isoformat()
    judged_at = row.judged_at and row.judged_at.isoformat()
    return {"judged": row.judged, "by": row.judged_by, "at": judged_at, "off": off, "told": dict(row.told)}


def restore_promise(work: Work, row: Promise, before: Mapping[str, Any]) -> None:
    """Make a promise again what it was before a person's word."""
    row.judged, row.judged_by, row.told = before["judged"], before["by"], dict(before["told"])
    row.judged_at = datetime.fromisoformat(before["at"]) if before["at"] else None
    row.put_off_to = datetime.fromisoformat(before["off"]) if before["off"] else None
    settle_row(work, row)


def remind_promises(work: Work, limit: int = 500) -> int:
    """Put out the reminders whose time has come, one message for all of an agent's; returns how many were seen."""
    due = (
        select(Promise)
        .where(Promise.look_at.is_not(None), Promise.look_at <= work.now)
        .order_by(Promise.look_at, Promise.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Promise)
    )
    rows = work.session.scalars(due).all()
    together: dict[tuple[int, str], list[Promise]] = {}
    for row in rows:
        for to in _look(work, row):
            together.setdefault((row.agent_id, to), []).append(row)
    for (agent_id, to), theirs in together.items():
        key = f"promise:{to}:{agent_id}:{work.now.isoformat()}"
        work.send(KINDS[to], key, {"to": to, "promise_ids": [one.id for one in theirs]}, About(agent_id=agent_id))
    return len(rows)


def _look(work: Work, row: Promise) -> list[str]:
    """Whom to tell of a promise now; it is looked at again when the next is to be told."""
    if work.settings.calendar.shifts(work.now):
        row.look_at = work.settings.calendar.next_slot(work.now)
        return []
    told = alarms(owed(row), work.settings.tables.promises, work.settings.calendar)
    times = {"agent": told.agent, "leader": told.leader}
    now_due = [to for to, at in times.items() if at is not None and at <= work.now and to not in row.told]
    row.told = {**row.told, **dict.fromkeys(now_due, work.now.isoformat())}
    row.look_at = next_look(work.settings, row)
    return now_due


class RemindPromise(Reminder):
    """Reminds of promises that are still open when it leaves."""

    settled = "都已经做到了，不用再提醒"
    unnamed = "{agent} 答应客户的 {n} 件事过了时间还没有做到"

    def listed(self, work: Work, row: Outbox, reader: Reader) -> Sequence[Promise]:
        query = _open().where(Promise.id.in_(row.payload["promise_ids"]), readable(reader, Promise.customer_id))
        return work.session.scalars(query.order_by(func.coalesce(_until(), Promise.said_at), Promise.id)).all()

    def words(self, work: Work, listed: Sequence[Promise], about: str) -> str:
        return _words(work.settings, listed, about, work.now)


def _words(settings: Settings, rows: Sequence[Promise], agent: str, now: datetime) -> str:
    if agent:
        head = f"{agent} 答应客户的 {len(rows)} 件事过了时间还没有做到："
        return "\n".join([head, *_listed(settings, rows, now)])
    own = [row for row in rows if row.by != _CUSTOMERS]
    theirs = [row for row in rows if row.by == _CUSTOMERS]
    lines = ["您答应过客户：", *_listed(settings, own, now)] if own else []
    lines += ["客户说过，到时间了：", *_listed(settings, theirs, now)] if theirs else []
    name = rows[0].customer.name or "客户名"
    how = f"做到了回复「完成 {name}」，晚点再说回复「推迟 {name} 1小时后」；听错了，在侧边栏或客户页点一下"
    return "\n".join([*lines, how])


def _listed(settings: Settings, rows: Sequence[Promise], now: datetime) -> list[str]:
    rest = len(rows) - MOST_LISTED
    return [*promise_lines(settings, rows[:MOST_LISTED], now), *([f"还有 {rest} 件"] if rest > 0 else [])]


def promise_lines(settings: Settings, rows: Sequence[Promise], now: datetime) -> list[str]:
    """Promises, a line each: about whom, in which words, and until when."""
    return [f"{number}. {_line(settings, row, now)}" for number, row in enumerate(rows, 1)]


def _line(settings: Settings, row: Promise, now: datetime) -> str:
    name = row.customer.name or "新客户"
    said = f"{name}说「{row.words[:30]}」" if row.by == _CUSTOMERS else f"{name}：「{row.words[:30]}」"
    return said + _until_words(settings, row, now)


def _until_words(settings: Settings, row: Promise, now: datetime) -> str:
    if row.until is None:
        return ""
    local, today = settings.calendar.local(row.until), settings.calendar.local(now).date()
    day = "今天" if local.date() == today else f"{local.month}月{local.day}日"
    hour = "" if row.wide and row.put_off_to is None else f" {local:%H:%M}"
    return f"（{day}{hour}{'，已过时间' if row.until < now else ''}）"


def _until() -> ColumnElement[datetime | None]:
    return func.coalesce(Promise.put_off_to, Promise.due_at)


def _open() -> Select[Promise]:
    """Open promises of agents who still have the customer, with the customer."""
    has = select(Follow.id).where(
        Follow.agent_id == Promise.agent_id, Follow.customer_id == Promise.customer_id, Follow.ended_at.is_(None)
    )
    return select(Promise).options(joinedload(Promise.customer)).where(Promise.closed_at.is_(None), has.exists())
