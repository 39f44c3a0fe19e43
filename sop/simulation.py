"""Simulation: the real decisions over a simulated population in virtual time, inspected at every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from sop.dates import dated, falls_on
from sop.enrolment import by_priority
from sop.findings import SimulationReport
from sop.lives import SimulatedCustomer, SimulatedEnrolment, SimulatedPrompt
from sop.playbook import Sop
from sop.population import Population, Scenario, Scene
from sop.stages import Move, move_to
from sop.triggers import Trigger, trigger_of
from sop.virtual import DAY, MINUTE, Company, Engine
from sop.windows import outcome
from sop.workcalendar import calendar_of

STANDARD = Scenario()
_MIDNIGHT = datetime.min.time()


def simulate(
    company: Company,
    start: datetime,
    scenario: Scenario = STANDARD,
    progress: Callable[[int], None] = lambda day: None,
) -> SimulationReport:
    """Run the scenario from the local midnight of `start`; equal arguments give equal findings.

    progress is told each day that is over.
    """
    world = _World(company, start, scenario)
    world.run(progress)
    return world.findings


class _World(Engine):
    """The engine with people in it."""

    def __init__(self, company: Company, start: datetime, scenario: Scenario) -> None:
        calendar = calendar_of(company.workspace)
        self.first = calendar.local(start).date()
        self.midnights = [calendar.instant(self.first + n * DAY, _MIDNIGHT) for n in range(scenario.days + 1)]
        report = SimulationReport(customers=scenario.customers, agents=scenario.staff, days=scenario.days)
        super().__init__(company, report, self.midnights[0])
        self.people = Population(scenario, self.midnights[0], Scene.of(company.pipelines, company.sops))
        self.living: list[SimulatedCustomer] = []
        self.dated = [(sop, trigger_of(sop)) for sop in by_priority(dated(company.sops))]
        self.silences = [(sop, t.length) for sop in company.sops if (t := trigger_of(sop)).kind == "silence"]

    def run(self, progress: Callable[[int], None]) -> None:
        """Everything from the first midnight to the last."""
        for number in range(self.findings.customers):
            self.at(self.people.arrives_at(number), self.arrive, number)
        for number, midnight in enumerate(self.midnights[:-1]):
            day = self.first + number * DAY
            self.at(midnight, self.new_day, day)
            self.at(self.calendar.instant(day, self.company.budget.digest_at), self.morning)
            self.at(midnight + DAY - MINUTE, progress, number + 1)
        self.run_until(self.midnights[-1])
        for who in self.living:
            self.inspector.life(who)
        self.inspector.loads(self.findings.agents, self.first, self.findings.days)

    def arrive(self, number: int) -> None:
        roads = len(self.people.scene.roads)
        who = SimulatedCustomer(
            number, self.people.agent_of(number), self.now, [0] * roads, born=self.people.born_on(number)
        )
        self.living.append(who)
        self.follow_up(who, [], ["@added"], [])
        for index, at in enumerate(self.people.words_at(number, self.now)):
            self.at(at, self.speak, who, index, None)
        leaves = self.people.leaves_at(number, self.now)
        if leaves is not None:
            self.at(leaves, self.leave, who)

    def speak(self, who: SimulatedCustomer, number: int, answered: tuple[SimulatedEnrolment, int] | None) -> None:
        if who.left_at is not None:
            return
        self.findings.words += 1
        key = (who.number, number, len(who.our_words))
        tag = self.people.tag_said(who.number, number, who.progress)
        replied = self._close_windows(who)
        who.word_at = self.now
        happenings = ["reply"]
        if self.people.happens(self.people.habits.opt_out, "peace", key):
            who.peace_at, happenings = self.now, ["reply", "opted-out"]
        tags = [t for t in (tag, *(t for t, _ in replied)) if t]
        self.follow_up(who, tags, ["@spoke"], happenings, [answer for _, answer in replied])
        for sop, length in self.silences:
            if length is not None:
                self.at(self.now + length, self.fall_silent, who, sop, self.now)
        if self.people.happens(self.people.habits.chat, "chat", key):
            after = self.people.span(MINUTE, timedelta(minutes=90), "chat", key)
            self.at(self.now + after, self.chat, who)
        if self.people.happens(self.people.habits.drag, "drag", key):
            self.drag(who, key)

    def chat(self, who: SimulatedCustomer) -> None:
        if who.left_at is None:
            who.our_words.append(self.now)

    def drag(self, who: SimulatedCustomer, key: object) -> None:
        for pipeline in self.company.pipelines:
            board = who.boards.get(pipeline.name)
            to = pipeline.stages[int(self.people.chance("to", key) * len(pipeline.stages))].name
            decided = move_to(pipeline, board.stage if board else None, to, "drag")
            if isinstance(decided, Move):
                self.move(who, pipeline, decided)
                who.boards[pipeline.name].by_person_at = self.now

    def leave(self, who: SimulatedCustomer) -> None:
        who.left_at = self.now
        self.follow_up(who, [], ["@lost"], ["left"])

    def fall_silent(self, who: SimulatedCustomer, sop: Sop, since: datetime) -> None:
        if who.word_at == since and who.left_at is None and not self.is_lost(who):
            self.enrol(who, sop)

    def delivered(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> None:
        key = (who.number, enrolment.sop.id, enrolment.since, index)
        if self.people.happens(self.people.habits.follow, "follow", key):
            after = self.people.span(2 * MINUTE, timedelta(hours=4), "follow", key)
            self.at(self.now + after, self.follow, who, enrolment, index)

    def follow(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> None:
        card = enrolment.cards[index]
        if card.is_open and who.left_at is None:
            card.followed_at = self.now
            who.our_words.append(self.now)
            self.findings.followed += 1
            window = enrolment.steps[index].reply_window
            self.at(self.now + window, self.close_in_silence, who, enrolment, index)
            key = (who.number, enrolment.sop.id, enrolment.since, index)
            if self.people.happens(self.people.habits.answer, "answer", key):
                after = self.people.span(MINUTE, timedelta(hours=20), "answer", key)
                self.at(self.now + after, self.speak, who, 1000 + len(who.our_words), None)

    def _close_windows(self, who: SimulatedCustomer) -> list[tuple[str | None, Trigger]]:
        closed: list[tuple[str | None, Trigger]] = []
        for enrolment, index, card in self._answerable(who):
            window = outcome(enrolment.steps[index], card.followed_at or self.now, self.now, self.now)
            if window.state == "replied":
                self.findings.answered += 1
                card.ended_at = self.now
                closed.append((window.tag, Trigger("reply", enrolment.sop.id, step=index)))
        return closed

    def _answerable(self, who: SimulatedCustomer) -> list[tuple[SimulatedEnrolment, int, SimulatedPrompt]]:
        return [
            (e, i, card)
            for e in who.enrolments
            for i, card in e.cards.items()
            if card.followed_at is not None and card.ended_at is None
        ]

    def close_in_silence(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> None:
        card, step = enrolment.cards[index], enrolment.steps[index]
        if card.ended_at is None and who.left_at is None:
            card.ended_at = self.now
            tags = [step.on_silence] if step.on_silence else []
            self.follow_up(who, tags, [], [], [Trigger("no-reply", enrolment.sop.id, step=index)])

    def new_day(self, day: date) -> None:
        for sop, trigger in self.dated:
            for who in self.living:
                fields = {"birthday": who.born} if who.born else {}
                if falls_on(trigger, day, fields) and not self.is_lost(who):
                    self.enrol(who, sop)

    def morning(self) -> None:
        if self.calendar.shifts(self.now):
            return
        ends = self.calendar.instant(self.day(self.now) + DAY, _MIDNIGHT)
        busy = {who.agent for who in self.living if any(at < ends for e in who.enrolments for at in e.due.values())}
        self.findings.morning_lists += len(busy)
        self._last_card.update(dict.fromkeys(busy, self.now))
