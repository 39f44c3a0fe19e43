"""Rows of the SOPs' pages: each in words, its steps with their figures, who is on it, the days of a preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.analytics.cohorts import StepFigures
from bot.platform.config.settings import Settings
from bot.platform.models import Agent, Customer, SopEnrolment, SopTask
from bot.web.auth.access import visible_customers
from bot.web.auth.visitor import Visitor
from bot.web.layout.labels import EVENTS
from bot.web.layout.languages import translate
from sop.business import in_words, is_business
from sop.playbook import Sop, Step
from sop.preview import PreviewedPrompt, by_day
from sop.trial import TriedPrompt
from sop.triggers import Trigger, trigger_of

PEOPLE = 30
_OPEN = ("planned", "queued", "delivered", "unknown")
DAYS = {
    "mon": "每周一", "tue": "每周二", "wed": "每周三", "thu": "每周四", "fri": "每周五", "sat": "每周六",
    "sun": "每周日", "last": "每月最后一天",
}  # fmt: skip
_STOPS = {"reply": "客户回复", "moved": "换了阶段", "left": "互删", "lost": "流失"}
TEXTS = (
    *EVENTS.values(), *DAYS.values(), *_STOPS.values(),
    "{n} 天", "{n} 小时", "{n} 分钟", "{name} 之前 {n} 天", "{name} 之后 {n} 天", "回复了 {which}",
    "没有回复 {which}",
)  # fmt: skip
"""Texts that do not stand in a call of translate, for the catalogues."""


@dataclass(frozen=True)
class StepRow:
    """A step of the timeline. number counts from 1; gone: the config has it no more, tasks still have."""

    number: int
    step: Step | None
    when: str
    figures: StepFigures


def step_rows(sop: Sop, figures: Mapping[int, StepFigures]) -> list[StepRow]:
    """The steps of the config in order, then those that only older tasks know."""
    rows = [
        StepRow(index + 1, step, when_words(step), figures.get(index, StepFigures()))
        for index, step in enumerate(sop.steps)
    ]
    return rows + [
        StepRow(index + 1, None, "", figures[index]) for index in sorted(figures) if index >= len(sop.steps)
    ]


def when_words(step: Step) -> str:
    """When a step is due: 开始后 1 天，10:00."""
    if step.on_date is not None:
        day = step.on_date.isoformat()
    elif not step.after:
        day = translate("一开始")
    else:
        day = translate("开始后 {length}", length=length_words(step.after))
    return f"{day} {step.at:%H:%M}" if step.at else day


def length_words(length: timedelta) -> str:
    """A length as the config wrote it, by the largest unit that fits evenly."""
    seconds = int(length.total_seconds())
    for size, words in ((86400, "{n} 天"), (3600, "{n} 小时"), (60, "{n} 分钟")):
        if seconds % size == 0:
            return translate(words, n=seconds // size)
    return translate("{n} 秒", n=seconds)


def start_words(sop: Sop) -> str:
    """What starts an SOP."""
    trigger = trigger_of(sop)
    if trigger.kind == "event":
        return translate(EVENTS.get(trigger.name, trigger.name))
    if trigger.kind == "stage":
        return translate("进入「{name}」", name=trigger.name)
    if trigger.kind == "tag":
        return translate("带上标签「{name}」", name=trigger.name)
    if trigger.kind == "segment":
        return translate("进入分群「{name}」", name=trigger.name)
    if trigger.kind == "business":
        return translate(in_words(trigger.name))
    if trigger.kind == "silence" and trigger.length is not None:
        return translate("沉默 {length}", length=length_words(trigger.length))
    if trigger.kind == "every":
        return translate(DAYS[trigger.name]) if trigger.name in DAYS else translate("每月 {n} 日", n=trigger.name)
    if trigger.kind == "date":
        return _date_words(trigger)
    return _answer_words(trigger)


def _date_words(trigger: Trigger) -> str:
    if trigger.day is not None:
        return trigger.day.isoformat()
    days = trigger.length.days if trigger.length else 0
    if not days:
        return translate("{name} 当天", name=trigger.name)
    words = "{name} 之前 {n} 天" if days < 0 else "{name} 之后 {n} 天"
    return translate(words, name=trigger.name, n=abs(days))


def _answer_words(trigger: Trigger) -> str:
    which = (
        trigger.name if trigger.step is None else translate("{name} 第 {n} 步", name=trigger.name, n=trigger.step + 1)
    )
    said = "回复了 {which}" if trigger.kind == "reply" else "没有回复 {which}"
    return translate(said, which=which)


def stop_words(sop: Sop) -> list[str]:
    """What ends an SOP before its last step."""
    return [_stop_words(one) for one in sop.stop]


def _stop_words(one: str) -> str:
    if is_business(one):
        return translate(in_words(one))
    return translate(_STOPS[one]) if one in _STOPS else translate("标签「{name}」", name=one.removeprefix("tag:"))


@dataclass(frozen=True)
class EnrolledRow:
    """A customer who is on an SOP now: since when, with which agent, what comes next."""

    enrolment_id: int
    customer_id: int
    name: str
    agent: str
    since: datetime
    next_at: datetime | None
    next_step: int
    done: int
    steps: int


def people_on(
    session: Session, who: Visitor, sop_id: str, before: int | None
) -> tuple[list[EnrolledRow], int | None]:
    """Those on an SOP whom the visitor may see, the newest first, and where to go on. Two queries."""
    query = (
        select(SopEnrolment.id, SopEnrolment.enrolled_at, Customer.id, Customer.name, Agent.name, Agent.userid)
        .join(Customer, Customer.id == SopEnrolment.customer_id)
        .join(Agent, Agent.id == SopEnrolment.agent_id)
        .where(SopEnrolment.sop_id == sop_id, SopEnrolment.ended_at.is_(None), visible_customers(session, who))
        .order_by(SopEnrolment.id.desc())
        .limit(PEOPLE + 1)
    )
    if before is not None:
        query = query.where(SopEnrolment.id < before)
    rows = session.execute(query).all()
    shown = rows[:PEOPLE]
    tasks = _tasks_of(session, [row[0] for row in shown])
    found = []
    for enrolment_id, since, customer_id, name, agent, userid in shown:
        mine = tasks.get(enrolment_id, [])
        ahead = [(due, step) for state, due, step in mine if state in _OPEN]
        next_at, next_step = min(ahead, default=(None, 0))
        found.append(
            EnrolledRow(
                enrolment_id, customer_id, name, agent or userid, since, next_at, next_step,
                len(mine) - len(ahead), len(mine),
            )
        )  # fmt: skip
    return found, shown[-1][0] if len(rows) > PEOPLE else None


def places_on(session: Session, who: Visitor, sop_id: str) -> list[tuple[int, int]]:
    """How many of those the visitor may see have which step before them: (step from 0, customers), by step."""
    ahead = (
        select(SopTask.enrolment_id, func.min(SopTask.step).label("step"))
        .join(SopEnrolment, SopEnrolment.id == SopTask.enrolment_id)
        .join(Customer, Customer.id == SopEnrolment.customer_id)
        .where(SopEnrolment.sop_id == sop_id, SopEnrolment.ended_at.is_(None), SopTask.state.in_(_OPEN))
        .where(visible_customers(session, who))
        .group_by(SopTask.enrolment_id)
        .subquery()
    )
    return [
        (step, count)
        for step, count in session.execute(
            select(ahead.c.step, func.count()).group_by(ahead.c.step).order_by(ahead.c.step)
        )
    ]


def _tasks_of(session: Session, enrolment_ids: Sequence[int]) -> dict[int, list[tuple[str, datetime, int]]]:
    found: dict[int, list[tuple[str, datetime, int]]] = {}
    query = select(SopTask.enrolment_id, SopTask.state, SopTask.due_at, SopTask.step)
    for enrolment_id, state, due_at, step in session.execute(query.where(SopTask.enrolment_id.in_(enrolment_ids))):
        found.setdefault(enrolment_id, []).append((state, due_at, step))
    return found


@dataclass(frozen=True)
class CalendarDay:
    """A day of a preview and the prompts on it; in a trial with what they come to."""

    day: date
    prompts: Sequence[TriedPrompt]
    works: bool


def calendar_days(settings: Settings, prompts: Sequence[PreviewedPrompt]) -> list[CalendarDay]:
    """The days on which something comes, in order."""
    return trial_days(settings, [TriedPrompt(one) for one in prompts])


def trial_days(settings: Settings, played: Sequence[TriedPrompt]) -> list[CalendarDay]:
    """The same of prompts whose outcome is told as well."""
    of = {one.prompt: one for one in played}
    return [
        CalendarDay(day, [of[one] for one in these], settings.calendar.is_workday(day))
        for day, these in by_day([one.prompt for one in played], settings.workspace).items()
    ]
