"""One customer lives through random weeks: words, tags, drags, silences. What must hold, holds at every moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sop.enrolment import why_not_again
from sop.gate import Drop, Go, Situation, Wait, decide_card
from sop.guards import Facts
from sop.pipeline import Pipeline
from sop.planning import PlannedStep, plan_steps
from sop.playbook import Sop
from sop.stages import Actor, Move, decide_move, due_timed_move
from sop.stopping import stops
from sop.triggers import Trigger, starts
from sop.workcalendar import calendar_of
from sop.workspace import Budget, Workspace

WORKSPACE = Workspace.model_validate({"workdays": "china", "quiet_hours": "22:00-08:00"})
CALENDAR = calendar_of(WORKSPACE)
BUDGET = Budget(customer="1/day")
PIPELINE = Pipeline.model_validate(
    {
        "name": "转化",
        "hold": "12h",
        "stages": [
            {"name": "新线索", "on": ["@added"]},
            {"name": "考虑价格", "aside": True},
            {"name": "试听", "on": ["已约试听"]},
            {"name": "会员", "on": ["已付款"], "won": True},
            {"name": "沉睡", "on": [], "asleep": True},
            {"name": "流失", "on": ["@lost"], "lost": True},
        ],
        "moves": [
            {"from": "新线索", "to": "沉睡", "after": "7d"},
            {"from": "考虑价格", "to": "沉睡", "after": "5d"},
            {"from": "沉睡", "to": "流失", "after": "20d"},
        ],
    }
)
NAMES = [stage.name for stage in PIPELINE.stages]
SOPS = tuple(
    Sop.model_validate(table)
    for table in (
        {
            "id": "new",
            "on": "@added",
            "stop": ["reply", "moved"],
            "steps": [{"after": "10m", "say": "甲"}, {"after": "2d", "at": "10:00", "say": "乙"}],
        },
        {
            "id": "price",
            "stage": "考虑价格",
            "stop": ["reply", "moved", "lost"],
            "priority": 8,
            "steps": [
                {"say": "甲", "anytime": True},
                {"after": "1d", "at": "10:00", "say": "乙"},
                {"after": "3d", "say": "丙"},
            ],
        },
        {
            "id": "trial",
            "stage": "试听",
            "stop": ["tag:投诉"],
            "again": "30d",
            "cap": "2/week",
            "steps": [{"after": f"{day}d", "say": "好"} for day in range(5)],
        },
        {
            "id": "wake",
            "stage": "沉睡",
            "stop": ["moved", "reply"],
            "steps": [{"after": "1d", "at": "20:30", "say": "好"}],
        },
    )
)


@dataclass
class Enrolment:
    sop: Sop
    since: datetime
    steps: dict[int, PlannedStep]
    due: dict[int, datetime] = field(default_factory=dict)
    sent: dict[int, datetime] = field(default_factory=dict)
    ended_at: datetime | None = None


class Life(RuleBasedStateMachine):
    @initialize(start=st.integers(0, 300 * 24))
    def begin(self, start: int) -> None:
        self.now = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=start)
        self.stage: str | None = None
        self.before: str | None = None
        self.entered_at = self.now
        self.word_at: datetime | None = None
        self.person_at: datetime | None = None
        self.ledger: list[Move] = []
        self.enrolments: list[Enrolment] = []
        self.peace_since: datetime | None = None
        self.happen(["@added"], "rule")

    @rule(minutes=st.sampled_from([1, 20, 45, 300, 1440, 3000, 12000]))
    def time_passes(self, minutes: int) -> None:
        until = self.now + timedelta(minutes=minutes)
        while self.now < until:
            self.now = min(until, self.now + timedelta(minutes=17))
            self.tick()

    @rule(tag=st.sampled_from(["考虑价格", "已约试听", "已付款", "投诉", "无关"]))
    def says(self, tag: str) -> None:
        self.word_at = self.now
        self.stop(["reply", f"tag:{tag}"])
        self.happen(["@spoke", tag], "rule")

    @rule(stage=st.sampled_from(NAMES), actor=st.sampled_from(["human", "wecom"]))
    def is_moved_by_hand(self, stage: str, actor: Actor) -> None:
        if self.happen([stage], actor):
            self.person_at = self.now

    @rule()
    def asks_for_peace(self) -> None:
        self.peace_since = self.peace_since or self.now
        self.stop(["opted-out"])

    @rule()
    def leaves(self) -> None:
        self.stop(["left"])
        self.happen(["@lost"], "rule")

    def facts(self) -> Facts:
        return Facts(self.now, entered_at=self.entered_at, moved_by_person_at=self.person_at)

    def happen(self, triggers: list[str], actor: Actor) -> bool:
        move = decide_move(PIPELINE, self.stage, triggers, actor, before=self.before, facts=self.facts())
        if isinstance(move, Move):
            self.make(move)
        for trigger in triggers:
            self.enrol(Trigger("event", trigger))
        return isinstance(move, Move)

    def make(self, move: Move) -> None:
        self.ledger.append(move)
        self.before, self.stage, self.entered_at = self.stage, move.to, self.now
        self.stop(["moved", *(["lost"] if move.to == "流失" else [])])
        self.enrol(Trigger("stage", move.to))

    def enrol(self, trigger: Trigger) -> None:
        for sop in starts(SOPS, trigger):
            last = max((e.since for e in self.enrolments if e.sop is sop), default=None)
            running = any(e.sop is sop and e.ended_at is None for e in self.enrolments)
            if self.peace_since is None and not running and why_not_again(sop, last, self.now) is None:
                steps = {step.index: step for step in plan_steps(sop, self.now, WORKSPACE, "wm1")}
                due = {index: step.due_at for index, step in steps.items()}
                self.enrolments.append(Enrolment(sop, self.now, steps, due))

    def stop(self, happenings: list[str]) -> None:
        for enrolment in self.enrolments:
            if enrolment.ended_at is None and stops(enrolment.sop.stop, happenings):
                enrolment.ended_at = self.now
                enrolment.due.clear()

    def tick(self) -> None:
        timed = due_timed_move(PIPELINE, self.stage, self.entered_at, self.word_at, self.now, facts=self.facts())
        if timed is not None:
            self.make(timed)
        for enrolment in self.enrolments:
            for index in [index for index, due in enrolment.due.items() if due <= self.now]:
                self.prompt(enrolment, index)

    def prompt(self, enrolment: Enrolment, index: int) -> None:
        step = enrolment.steps[index]
        contacts = tuple(at for e in self.enrolments for at in e.sent.values())
        anytime = enrolment.sop.steps[index].anytime
        situation = Situation(contacts, None, max(contacts, default=None), anytime, expires_at=step.expires_at)
        decided = decide_card(self.now, situation, BUDGET, CALENDAR)
        if isinstance(decided, Go):
            assert index not in enrolment.sent
            enrolment.sent[index] = self.now
        if isinstance(decided, Wait):
            assert decided.until > self.now
            enrolment.due[index] = decided.until
        if isinstance(decided, Go | Drop):
            del enrolment.due[index]

    @invariant()
    def the_ledger_replays_to_where_he_stands(self) -> None:
        standing: str | None = None
        for move in self.ledger:
            assert move.from_ == standing
            standing = move.to
        assert standing == self.stage

    @invariant()
    def nothing_is_sent_in_quiet_hours_nor_after_a_stop(self) -> None:
        for enrolment in self.enrolments:
            for index, at in enrolment.sent.items():
                assert CALENDAR.quiet_shifts(at) == ()
                assert enrolment.sop.steps[index].anytime or CALENDAR.shifts(at) == ()
                assert enrolment.ended_at is None or at <= enrolment.ended_at
                assert self.peace_since is None or at <= self.peace_since
                assert enrolment.since <= at < enrolment.steps[index].expires_at

    @invariant()
    def the_budget_is_kept(self) -> None:
        sent = [CALENDAR.local(at).date() for e in self.enrolments for at in e.sent.values()]
        assert max(Counter(sent).values(), default=0) <= 1

    @invariant()
    def rules_leave_alone_what_a_person_has_just_moved(self) -> None:
        if self.person_at is not None and self.now < self.person_at + PIPELINE.hold and self.ledger[-1].to != "流失":
            assert self.ledger[-1].cause in ("drag", "wecom")


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase
