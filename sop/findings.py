"""Simulation report: counts, loads, and whether everything held that must hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sop.lives import SimulatedCustomer, SimulatedEnrolment
from sop.rates import parse_rate
from sop.workcalendar import Workcalendar
from sop.workspace import Budget

MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Load:
    """Per agent and working day."""

    median: int
    p95: int
    most: int


@dataclass
class SimulationReport:
    """Counts of one run. `broken` counts what must not be, `examples` tell some of it."""

    customers: int = 0
    agents: int = 0
    days: int = 0
    words: int = 0
    moves: int = 0
    enrolments: int = 0
    stopped: int = 0
    prompts: int = 0
    cards: int = 0
    lists: int = 0
    morning_lists: int = 0
    followed: int = 0
    answered: int = 0
    reminders: int = 0
    leaders_told: int = 0
    late_steps: int = 0
    dropped: int = 0
    waits: Counter[str] = field(default_factory=Counter)
    prompts_a_day: Load = Load(0, 0, 0)
    disturbances_a_day: Load = Load(0, 0, 0)
    broken: int = 0
    examples: list[str] = field(default_factory=list)

    def break_(self, what: str) -> None:
        """Note something that must not be."""
        self.broken += 1
        if len(self.examples) < MOST_TOLD:
            self.examples.append(what)

    def as_object(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {**asdict(self), "waits": dict(self.waits.most_common())}


class Inspector:
    """Looks at every prompt as it leaves and at every life at its end, knowing nothing of how it was decided."""

    def __init__(self, findings: SimulationReport, calendar: Workcalendar, budget: Budget) -> None:
        self.findings, self.calendar, self.budget = findings, calendar, budget
        self.prompts: Counter[tuple[int, date]] = Counter()
        self.sendings: Counter[tuple[int, date]] = Counter()
        self._last: dict[int, datetime] = {}

    def sending(self, agent: int, at: datetime, prompts: int, *, apart: bool) -> None:
        """An agent is disturbed, by one card or a list; `apart`: it had to keep its distance from the last."""
        self.sendings[agent, self.calendar.local(at).date()] += 1
        self.prompts[agent, self.calendar.local(at).date()] += prompts
        last = self._last.get(agent)
        if apart and last is not None and at - last < self.budget.agent_gap:
            self.findings.break_(f"员工 {agent} 在 {last:%m-%d %H:%M} 之后太快又收到提醒")
        self._last[agent] = at

    def prompt(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int, at: datetime) -> None:
        """A step is prompted for a customer; called before it is written down."""
        name = f"客户 {who.number} 的 {enrolment.sop.id}/{index + 1}"
        step, anytime = enrolment.steps[index], enrolment.sop.steps[index].anytime
        if enrolment.ended_at is not None or who.peace_at is not None or who.left_at is not None:
            self.findings.break_(f"{name} 停止之后仍提醒")
        if index in enrolment.cards:
            self.findings.break_(f"{name} 提醒了两次")
        if self.calendar.quiet_shifts(at) or (not anytime and self.calendar.shifts(at)):
            self.findings.break_(f"{name} 在不该打扰的时候提醒（{at:%m-%d %H:%M} UTC）")
        if not enrolment.since <= at < step.expires_at:
            self.findings.break_(f"{name} 不在有效期内")
        if not (anytime and who.waits):
            self._caps(name, who, enrolment, at)

    def _caps(self, name: str, who: SimulatedCustomer, enrolment: SimulatedEnrolment, at: datetime) -> None:
        own = [card.sent_at for card in enrolment.cards.values()]
        if self._full(enrolment.sop.cap, own, at):
            self.findings.break_(f"{name} 超出这份跟进的频次 {enrolment.sop.cap}")
        pending = [c.sent_at for e in who.enrolments for c in e.cards.values() if c.is_open]
        opened = [
            word
            for before, word in zip([None, *who.our_words], who.our_words, strict=False)
            if before is None or word - before > self.budget.talk_hold
        ]
        if self._full(self.budget.customer, pending + opened, at):
            self.findings.break_(f"{name} 超出客户的频次 {self.budget.customer}")

    def _full(self, budget: str, instants: list[datetime], at: datetime) -> bool:
        rate = parse_rate(budget)
        period = rate.period(self.calendar.local(at).date())
        recent = (one for one in instants if one > at - timedelta(days=8))
        return sum(rate.period(self.calendar.local(one).date()) == period for one in recent) >= rate.times

    def life(self, who: SimulatedCustomer) -> None:
        """Check a customer at the end of the run: their ledger must lead to the stage they stand in."""
        standing: dict[str, str] = {}
        for pipeline, from_, to in who.ledger:
            if standing.get(pipeline) != from_:
                self.findings.break_(f"客户 {who.number} 的流水在「{pipeline}」断了：{from_} → {to}")
            standing[pipeline] = to
        if standing != {name: board.stage for name, board in who.boards.items()}:
            self.findings.break_(f"客户 {who.number} 的流水走不到他现在的阶段")

    def loads(self, agents: int, first: date, days: int) -> None:
        """Sum up the loads of all agents on all working days, idle ones too."""
        workdays = [day for n in range(days) if self.calendar.is_workday(day := first + timedelta(days=n))]
        for name, counted in (("prompts_a_day", self.prompts), ("disturbances_a_day", self.sendings)):
            values = sorted(counted[agent, day] for agent in range(agents) for day in workdays) or [0]
            last = len(values) - 1
            setattr(self.findings, name, Load(values[last // 2], values[int(last * 0.95)], values[last]))
