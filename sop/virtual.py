"""Virtual-time engine: stops, moves, starts, plans and the send decision, in the same order as in production."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from heapq import heappop, heappush
from typing import cast

from sop.enrolment import by_priority, why_not_again
from sop.findings import Inspector, SimulationReport
from sop.gate import Drop, Go, Situation, Wait, decide_card
from sop.lives import BoardPosition, SimulatedCustomer, SimulatedEnrolment, SimulatedPrompt
from sop.overdue import next_nudge
from sop.pipeline import Pipeline
from sop.planning import plan_steps
from sop.playbook import Sop
from sop.stages import Move, decide_move, due_timed_move, next_timed_move_at
from sop.stopping import stops
from sop.triggers import Trigger, starts
from sop.workcalendar import Workcalendar, calendar_of
from sop.workspace import Budget, Overdue, Workspace

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
_WHY = re.compile(r"（.*")
Handler = Callable[..., None]
Due = tuple[SimulatedCustomer, SimulatedEnrolment, int]


@dataclass(frozen=True, slots=True)
class Company:
    """The tables of a config that the engine goes by."""

    pipelines: tuple[Pipeline, ...] = ()
    sops: tuple[Sop, ...] = ()
    workspace: Workspace = field(default_factory=Workspace)
    budget: Budget = field(default_factory=Budget)
    overdue: Overdue = field(default_factory=Overdue)


class Engine:
    """What happens without people: moves, enrolments, prompts, reminders. A subclass adds what people do."""

    def __init__(self, company: Company, findings: SimulationReport, now: datetime) -> None:
        self.company, self.findings, self.now = company, findings, now
        self.calendar: Workcalendar = calendar_of(company.workspace)
        self.inspector = Inspector(findings, self.calendar, company.budget)
        self._last_card: dict[int, datetime] = {}
        self._heap: list[tuple[datetime, bool, int, Handler | None, tuple[object, ...]]] = []
        self._count = 0

    def run_until(self, end: datetime) -> None:
        """Run every scheduled event before `end`."""
        while self._heap and self._heap[0][0] < end:
            self.now, _, _, handler, given = heappop(self._heap)
            if handler is not None:
                handler(*given)
            else:
                self.prompt_due([given, *self._same_minute()])

    def at(self, when: datetime, handler: Handler | None, *given: object) -> None:
        """Have something done at a time; due prompts (no handler) come after all else of their minute, together."""
        self._count += 1
        heappush(self._heap, (when, handler is None, self._count, handler, given))

    def _same_minute(self) -> list[tuple[object, ...]]:
        found = []
        while self._heap and self._heap[0][0] == self.now and self._heap[0][3] is None:
            found.append(heappop(self._heap)[4])
        return found

    def follow_up(
        self,
        who: SimulatedCustomer,
        tags: Sequence[str],
        events: Sequence[str],
        happenings: Sequence[str],
        answers: Sequence[Trigger] = (),
    ) -> None:
        """Stop, move, start: the same order as in production."""
        fresh = [tag for tag in dict.fromkeys(tags) if tag not in who.tags]
        who.tags.update(tags)
        self.stop(who, [*happenings, *(f"tag:{tag}" for tag in tags)])
        for pipeline in self.company.pipelines:
            board = who.boards.get(pipeline.name)
            decided = decide_move(
                pipeline,
                board.stage if board else None,
                [*tags, *events],
                "rule",
                before=board.before if board else None,
                facts=who.facts(board, self.now),
            )
            if isinstance(decided, Move):
                self.move(who, pipeline, decided)
        for trigger in (*(Trigger("tag", t) for t in fresh), *(Trigger("event", e) for e in events), *answers):
            self.start(who, trigger)

    def move(self, who: SimulatedCustomer, pipeline: Pipeline, decided: Move) -> None:
        board = who.boards.get(pipeline.name)
        person = board.by_person_at if board else None
        who.boards[pipeline.name] = BoardPosition(decided.to, self.now, decided.from_, person)
        who.ledger.append((pipeline.name, decided.from_, decided.to))
        self.findings.moves += 1
        stage = pipeline.stage(decided.to)
        assert stage is not None
        self.stop(who, [name for name, is_so in (("lost", stage.lost), ("won", stage.won)) if is_so])
        for enrolment in who.enrolments:
            if "moved" in enrolment.sop.stop and decided.from_ and enrolment.sop.stage in (None, decided.from_):
                self.end(enrolment)
        self.start(who, Trigger("stage", decided.to))
        self.watch_clock(who, pipeline)

    def watch_clock(self, who: SimulatedCustomer, pipeline: Pipeline) -> None:
        board = who.boards[pipeline.name]
        at = next_timed_move_at(pipeline, board.stage, board.entered_at, who.word_at)
        if at is not None:
            self.at(max(at, self.now + MINUTE), self.clock_moves, who, pipeline)

    def clock_moves(self, who: SimulatedCustomer, pipeline: Pipeline) -> None:
        board = who.boards[pipeline.name]
        facts = who.facts(board, self.now)
        decided = due_timed_move(pipeline, board.stage, board.entered_at, who.word_at, self.now, facts=facts)
        if decided is not None:
            self.move(who, pipeline, decided)
        else:
            at = next_timed_move_at(pipeline, board.stage, board.entered_at, who.word_at)
            if at is not None and at > self.now:
                self.at(at, self.clock_moves, who, pipeline)
            elif at is not None:  # a person's move holds the clock back
                self.at(self.now + max(pipeline.hold, DAY), self.clock_moves, who, pipeline)

    def stop(self, who: SimulatedCustomer, happenings: Sequence[str]) -> None:
        for enrolment in who.enrolments:
            answered = who.said_at is not None and who.said_at >= enrolment.since
            if stops(enrolment.sop.stop, [h for h in happenings if h != "reply" or answered]):
                self.end(enrolment)

    def end(self, enrolment: SimulatedEnrolment) -> None:
        if not enrolment.is_over:
            enrolment.end(self.now)
            self.findings.stopped += 1

    def start(self, who: SimulatedCustomer, trigger: Trigger) -> None:
        for sop in by_priority(starts(self.company.sops, trigger)):
            self.enrol(who, sop)

    def enrol(self, who: SimulatedCustomer, sop: Sop) -> None:
        mine = [e for e in who.enrolments if e.sop is sop]
        last = max((e.since for e in mine), default=None)
        if who.peace_at or who.left_at or any(not e.is_over for e in mine) or why_not_again(sop, last, self.now):
            return
        if not sop.wants(who.tags, [board.stage for board in who.boards.values()]):
            return
        key = f"wm{who.number}"
        planned = plan_steps(sop, self.now, self.company.workspace, key, spread=self.company.budget.spread)
        steps = {step.index: step for step in planned}
        enrolment = SimulatedEnrolment(sop, self.now, steps, {})
        who.enrolments.append(enrolment)
        self.findings.enrolments += 1
        for step in planned:
            self.wait(who, enrolment, step.index, step.due_at)

    def wait(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int, until: datetime) -> None:
        minute = until.replace(second=0, microsecond=0)
        due = minute if minute == until else minute + MINUTE
        enrolment.due[index] = due
        self.at(due, None, who, enrolment, index)

    def prompt_due(self, due: Iterable[tuple[object, ...]]) -> None:
        """Decide about all steps due in this minute; what one agent gets together is one list."""
        ready: dict[int, list[Due]] = {}
        tasks = [task for task in cast("Iterable[Due]", due) if task[1].due.get(task[2]) == self.now]
        for who, enrolment, index in sorted(tasks, key=_urgency):
            if self.decide(who, enrolment, index):
                if enrolment.sop.steps[index].anytime:
                    self.send(who.agent, [(who, enrolment, index)])
                else:
                    ready.setdefault(who.agent, []).append((who, enrolment, index))
                self.deliver(who, enrolment, index)
        for agent, together in ready.items():
            self.send(agent, together)

    def decide(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> bool:
        """Whether the step is prompted now; else it waits or is dropped."""
        step, anytime = enrolment.steps[index], enrolment.sop.steps[index].anytime
        waits = anytime and who.waits
        situation = Situation(
            contacts=() if waits else who.contacts(self.now, self.company.budget.talk_hold),
            last_agent_word_at=None if waits else who.said_at,
            last_card_at=None if anytime else self._last_card.get(who.agent),
            anytime=anytime,
            expires_at=step.expires_at,
            own=() if waits else tuple(card.sent_at for card in enrolment.cards.values()),
            cap=enrolment.sop.cap,
        )
        decision = decide_card(self.now, situation, self.company.budget, self.calendar)
        if isinstance(decision, Wait):
            self.findings.waits.update({_WHY.sub("", shift.reason) for shift in decision.shifts})
            self.wait(who, enrolment, index, decision.until)
        else:
            del enrolment.due[index]
            self.findings.dropped += isinstance(decision, Drop)
        return isinstance(decision, Go)

    def deliver(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> None:
        self.inspector.prompt(who, enrolment, index, self.now)
        step = enrolment.steps[index]
        enrolment.cards[index] = SimulatedPrompt(self.now, who.waits)
        self.findings.prompts += 1
        self.findings.late_steps += self.day(self.now) > self.day(step.due_at)
        self.at(step.expires_at, self.expire, enrolment, index)
        self.watch_overdue(enrolment, index)
        self.delivered(who, enrolment, index)

    def delivered(self, who: SimulatedCustomer, enrolment: SimulatedEnrolment, index: int) -> None:
        """What the agent does with a prompt; nothing here."""

    def send(self, agent: int, together: Sequence[Due]) -> None:
        apart = not (len(together) == 1 and together[0][1].sop.steps[together[0][2]].anytime)
        self.inspector.sending(agent, self.now, len(together), apart=apart)
        self._last_card[agent] = self.now
        self.findings.cards += len(together) == 1
        self.findings.lists += len(together) > 1

    def expire(self, enrolment: SimulatedEnrolment, index: int) -> None:
        card = enrolment.cards[index]
        if card.is_open:
            card.ended_at = self.now

    def watch_overdue(self, enrolment: SimulatedEnrolment, index: int, told_leader: bool = False) -> None:
        reminded = enrolment.reminded.setdefault(index, [])
        sent, expires = enrolment.cards[index].sent_at, enrolment.steps[index].expires_at
        nudge = next_nudge(sent, reminded, told_leader, self.company.overdue, self.calendar, expires)
        if nudge is not None:
            self.at(max(nudge.at, self.now), self.nudge, enrolment, index, nudge.to == "leader")

    def nudge(self, enrolment: SimulatedEnrolment, index: int, leader: bool) -> None:
        if not enrolment.cards[index].is_open:
            return
        if self.calendar.shifts(self.now):
            self.findings.break_(f"{enrolment.sop.id}/{index + 1} 在不该打扰的时候催办")
        if leader:
            self.findings.leaders_told += 1
        else:
            enrolment.reminded[index].append(self.now)
            self.findings.reminders += 1
        self.watch_overdue(enrolment, index, told_leader=leader)

    def is_lost(self, who: SimulatedCustomer) -> bool:
        stages = [p.stage(who.boards[p.name].stage) for p in self.company.pipelines if p.name in who.boards]
        return any(stage is not None and stage.lost for stage in stages)

    def day(self, at: datetime) -> date:
        return self.calendar.local(at).date()


def _urgency(due: Due) -> tuple[bool, int, datetime]:
    """Sort key: first where a customer waits for an answer, then the higher priority, then the longest due."""
    _, enrolment, index = due
    return not enrolment.sop.steps[index].anytime, -enrolment.sop.priority, enrolment.steps[index].due_at
