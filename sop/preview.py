"""Preview: what a customer would get in the coming days from all their SOPs under one budget, delays explained."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import heappop, heappush

from sop.budget import within_budget
from sop.planning import PlannedStep, plan_steps
from sop.playbook import Sop
from sop.wording import render
from sop.workcalendar import Postponement, Workcalendar, calendar_of
from sop.workspace import Budget, Workspace


@dataclass(frozen=True, slots=True)
class RunningSop:
    """An SOP the customer is on, since when; the first `done` steps are behind them."""

    sop: Sop
    enrolled_at: datetime
    done: int = 0
    day: date | None = None  # that started it, for an SOP that waits for a day


@dataclass(frozen=True, slots=True)
class PreviewedCustomer:
    """Whose days are looked at.

    contacts: when our side reached them lately. values: of the placeholders in the texts; without them a text is
    given as it was written.
    """

    key: str
    contacts: Sequence[datetime] = ()
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PreviewedPrompt:
    """One prompt to come. Times are UTC; `shifts` lead from what the step wished to `at`."""

    at: datetime
    sop_id: str
    title: str
    step: int
    text: str
    wished_at: datetime
    shifts: tuple[Postponement, ...]


def preview(
    courses: Sequence[RunningSop],
    workspace: Workspace,
    budget: Budget,
    customer: PreviewedCustomer,
    now: datetime,
    *,
    days: int = 30,
) -> tuple[PreviewedPrompt, ...]:
    """Give the prompts of the next `days`, if the customer neither answers nor moves, in the order of time.

    The customer's contacts count against the budget, as does every prompt given here. Of prompts that want the same
    day the one of the higher priority has it and the others are put off.
    """
    calendar = calendar_of(workspace)
    plans = [
        plan_steps(course.sop, course.enrolled_at, workspace, customer.key, spread=budget.spread, day=course.day)
        for course in courses
    ]
    found = [
        _prompt(courses[which], step, shifts, customer.values)
        for which, step, shifts in _place(courses, plans, budget, calendar, now, list(customer.contacts))
    ]
    return tuple(sorted((p for p in found if p.at < now + timedelta(days=days)), key=lambda p: p.at))


def by_day(prompts: Iterable[PreviewedPrompt], workspace: Workspace) -> dict[date, list[PreviewedPrompt]]:
    """Lay prompts out on local days, as a calendar shows them."""
    calendar = calendar_of(workspace)
    days: dict[date, list[PreviewedPrompt]] = {}
    for prompt in prompts:
        days.setdefault(calendar.local(prompt.at).date(), []).append(prompt)
    return days


def _place(
    courses: Sequence[RunningSop],
    plans: Sequence[tuple[PlannedStep, ...]],
    budget: Budget,
    calendar: Workcalendar,
    now: datetime,
    contacts: list[datetime],
) -> Iterator[tuple[int, PlannedStep, tuple[Postponement, ...]]]:
    """Give (course, step, shifts) of all that is still to come: day by day, the most important first.

    Only the next step of each course waits in the heap, so a course keeps its order.
    """
    ahead = [
        deque(step for step in plan if step.index >= c.done and step.due_at >= now)
        for c, plan in zip(courses, plans, strict=True)
    ]
    own: list[list[datetime]] = [[] for _ in courses]
    shifts: list[tuple[Postponement, ...]] = [() for _ in courses]
    heap: list[tuple[date, int, datetime, int]] = []

    def wait(which: int, at: datetime) -> None:
        heappush(heap, (calendar.local(at).date(), -courses[which].sop.priority, at, which))

    def next_of(which: int, earliest: datetime) -> None:
        if ahead[which]:
            step = ahead[which][0]
            late = (Postponement("排在上一步之后", step.due_at, earliest),) if step.due_at < earliest else ()
            shifts[which] = step.shifts + late
            wait(which, max(step.due_at, earliest))

    for which in range(len(courses)):
        next_of(which, now)
    while heap:
        *_, at, which = heappop(heap)
        sop = courses[which].sop
        clock = sop.steps[ahead[which][0].index].at
        hops = within_budget(at, contacts, budget.customer, calendar, clock) or within_budget(
            at, own[which], sop.cap, calendar, clock
        )
        if hops:
            shifts[which] += hops
            wait(which, hops[-1].to)
            continue
        contacts.append(at)
        own[which].append(at)
        yield which, ahead[which].popleft(), shifts[which]
        next_of(which, at)


def _prompt(
    course: RunningSop, step: PlannedStep, shifts: tuple[Postponement, ...], values: Mapping[str, str]
) -> PreviewedPrompt:
    return PreviewedPrompt(
        at=shifts[-1].to if shifts else step.due_at,
        sop_id=course.sop.id,
        title=course.sop.title or course.sop.id,
        step=step.index,
        text=render(step.text, values) if values else step.text,
        wished_at=step.wished_at,
        shifts=shifts,
    )
