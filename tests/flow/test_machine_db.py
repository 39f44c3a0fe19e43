"""Random weeks on the real database: words, drags, clicks, partings, crashes, moved clocks. What must hold, holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.manual_moves import MoveRefusedError, move_by_hand
from bot.agents.overdue import nudge_overdue
from bot.customers.stages import timed_moves
from bot.customers.state import load_customer
from bot.ops.consistency import audit
from bot.platform.database.store import Store
from bot.platform.models import ConfigVersion, Customer, Model, Outbox, Placement, SopEnrolment, SopTask, StageMove
from bot.platform.work import Work
from bot.sops.completion import close_windows
from bot.sops.dates import start_dated_sops
from bot.sops.enrolment import after_moves, start_silence_sops
from bot.sops.follow_up import CustomerEvent, answer_of, follow_up
from bot.sops.prompts import prompt_due, put_off
from bot.sops.stopping import end_finished, expire_unsent
from tests.support.engine import Engine, engine
from tests.support.parts import KEYS

CONFIG = """
[workspace]
workdays = "china"
quiet_hours = "22:00-08:00"

[budget]
customer = "1/day"
spread = "20m"

[overdue]
leader_after = "6h"

[[tags]]
group = "互动"
exclusive = true
names = ["已回复", "未回复"]

[[rules]]
id = "price"
tag = "考虑价格"
any = ["多少钱"]
match = "text"

[[rules]]
id = "paid"
tag = "已付款"
any = ["付好了"]
match = "text"

[[pipelines]]
name = "转化"
hold = "12h"
stages = [
  { name = "新线索", on = ["@added"] },
  { name = "考虑价格", aside = true },
  { name = "成交", on = ["已付款"], won = true },
  { name = "沉睡", on = [], asleep = true },
  { name = "流失", on = ["@lost"], lost = true },
]
  [[pipelines.moves]]
  from = "考虑价格"
  to = "沉睡"
  after = "3d"

[[sops]]
id = "new"
on = "@added"
stop = ["reply", "moved"]
steps = [{ after = "10m", say = "打个招呼，问问喜欢拍什么" }, { after = "1d", at = "10:00", say = "第二天再问候" }]

[[sops]]
id = "price"
stage = "考虑价格"
stop = ["reply", "moved", "lost"]
priority = 8
  [[sops.steps]]
  anytime = true
  say = "课程分三档，先看看目录再决定"
  reply_window = "4h"
  on_reply = "已回复"
  on_silence = "未回复"
  [[sops.steps]]
  after = "1d"
  at = "10:00"
  say = "目录看得怎么样了"
  [[sops.steps]]
  after = "2d"
  at = "10:00"
  say = "还有什么想知道的"

[[sops]]
id = "silent"
on = "no-reply:price/1"
again = "never"
steps = [{ after = "1h", say = "打扰了，再补充一句" }]

[[sops]]
id = "quiet"
on = "silence:1d"
again = "7d"
steps = [{ at = "15:00", say = "好久没有联系了" }]

[[sops]]
id = "monday"
on = "every:mon"
audience = { stages = ["新线索", "沉睡"] }
steps = [{ at = "10:00", say = "新的一周，公开课又开始了" }]
"""
AGENT = "LinXiaoyu"
STAGES = ("新线索", "考虑价格", "成交", "沉睡", "流失")


class CrashError(Exception):
    """The process dies before it commits."""


class World(RuleBasedStateMachine):
    @initialize(hours=st.integers(0, 24 * 120))
    def begin(self, hours: int) -> None:
        self.folder = TemporaryDirectory(prefix="tici-machine-")
        store = Store(f"sqlite:///{Path(self.folder.name) / 'tici.db'}", KEYS)
        Model.metadata.create_all(store.engine)
        self.world: Engine = engine(store, CONFIG, "2026-01-05T10:00")
        self.world.now += timedelta(hours=hours)
        version, text = self.world.settings.version, self.world.settings.source
        with store.write() as session:
            session.add(ConfigVersion(version=version, text=text, loaded_at=self.world.now))
        # The same ids each time: steps are spread by them, and a failure must be the same when it is played again.
        self.people = [self.world.customer(key="wmFirst"), self.world.customer(key="wmSecond")]
        self.calendar = self.world.settings.calendar
        self.number = 0
        for who in self.people:
            self.world.happen(who, "added", events=["@added"])

    def teardown(self) -> None:
        if hasattr(self, "world"):
            found = audit(self.world.store, self.world.now, running=False)
            self.world.store.close()
            # Messages are told here without an archive, and so without a cursor in it.
            assert [finding for finding in found if finding.name != "cursor"] == []
            self.folder.cleanup()

    def write(self, work: Callable[[Session], None], crash: bool = False) -> None:
        """One transaction; with `crash` it is lost at its end and done once more, as a replay does."""
        if crash:
            try:
                with self.world.store.write() as session:
                    work(session)
                    raise CrashError
            except CrashError:
                pass
        with self.world.store.write() as session:
            work(session)

    @rule(
        who=st.integers(0, 1),
        text=st.sampled_from(["在吗", "多少钱", "付好了", "好的", "别再给我发消息了", "多少钱呀"]),
    )
    def customer_speaks(self, who: int, text: str) -> None:
        self.world.later(seconds=7)
        self.world.say(self.people[who], AGENT, text)

    @rule(who=st.integers(0, 1), own=st.booleans())
    def agent_speaks(self, who: int, own: bool) -> None:
        self.world.later(seconds=7)
        tasks = [task for task in self.world.tasks(self.people[who]) if task.state == "delivered"]
        self.world.say(AGENT, self.people[who], "我在外面，晚一点回复您" if own or not tasks else tasks[0].text)

    @rule(minutes=st.sampled_from([1, 20, 60, 300, 60 * 26, 60 * 24 * 4]), crash=st.booleans())
    def time_passes(self, minutes: int, crash: bool) -> None:
        """In steps, as the clockwork would take them; now and then one is lost and taken again."""
        for _ in range(5):
            self.world.later(minutes=minutes / 5)
            self.write(self._tick, crash)
            self.write(self._deliver)

    @rule(who=st.integers(0, 1), to=st.sampled_from(STAGES), crash=st.booleans())
    def dragged(self, who: int, to: str, crash: bool) -> None:
        def drag(session: Session) -> None:
            state = load_customer(session, self._customer(session, who))
            try:
                move_by_hand(Work(session, self.world.settings, self.world.now), state, "转化", to, "admin")
            except MoveRefusedError:
                assert state.stages["转化"] == to

        self.write(drag, crash)

    @rule(who=st.integers(0, 1), hours=st.integers(1, 30))
    def put_off(self, who: int, hours: int) -> None:
        def later(session: Session) -> None:
            customer = self._customer(session, who)
            mine = select(SopTask).where(SopTask.customer_id == customer.id, SopTask.state == "delivered")
            for task in session.scalars(mine):
                put_off(task, self.calendar.next_slot(self.world.now + timedelta(hours=hours)), "员工推迟")

        self.write(later)

    @rule(who=st.integers(0, 1))
    def parted(self, who: int) -> None:
        self.number += 1
        self.world.happen(self.people[who], f"left:{self.number}", events=["@lost"], happenings=["left"])

    def _tick(self, session: Session) -> None:
        work = Work(session, self.world.settings, self.world.now)
        prompt_due(work)
        for state, task, tags in close_windows(work):
            silent = [] if task.replied_at else [answer_of(task, replied=False)]
            follow_up(work, state, CustomerEvent(f"window:{task.id}", tags, tags, answers=silent))
        expire_unsent(work)
        end_finished(work)
        for state, made in timed_moves(work):
            after_moves(work, state, [made])
        start_silence_sops(work)
        start_dated_sops(work)
        nudge_overdue(work)

    def _deliver(self, session: Session) -> None:
        """What the errands record once WeCom has taken a card or a list."""
        waiting = select(Outbox).where(Outbox.kind.in_(("card", "digest")), Outbox.state == "waiting")
        for row in session.scalars(waiting):
            row.state, row.done_at, row.attempts = "sent", self.world.now, 1
            for task_id in [row.task_id] if row.task_id else row.payload["task_ids"]:
                task = session.get_one(SopTask, task_id)
                if task.state == "queued":
                    task.state, task.delivered_at = "delivered", task.delivered_at or self.world.now

    def _customer(self, session: Session, who: int) -> Customer:
        return session.scalars(select(Customer).where(Customer.external_userid == self.people[who])).one()

    @invariant()
    def the_ledger_replays_to_the_one_place_where_each_stands(self) -> None:
        with self.world.store.read() as session:
            placements = {row.customer_id: row for row in session.scalars(select(Placement))}
            assert len(placements) == len(session.scalars(select(Placement)).all())
            standing: dict[int, tuple[int, str]] = {}
            for move in session.scalars(select(StageMove).order_by(StageMove.customer_id, StageMove.serial)):
                serial, stage = standing.get(move.customer_id, (0, None))
                assert (move.serial, move.from_stage) == (serial + 1, stage)
                standing[move.customer_id] = (move.serial, move.to_stage)
            assert standing == {key: (row.serial, row.stage) for key, row in placements.items()}

    @invariant()
    def no_step_is_planned_or_prompted_twice(self) -> None:
        with self.world.store.read() as session:
            tasks = session.scalars(select(SopTask)).all()
            assert max(Counter((task.enrolment_id, task.step) for task in tasks).values(), default=0) <= 1
            prompts = select(Outbox).where(Outbox.kind.in_(("card", "digest")))
            prompted = Counter(
                task_id for row in session.scalars(prompts) for task_id in row.payload.get("task_ids", [row.task_id])
            )
            assert all(prompted[task.id] == task.prompts for task in tasks)
            running = select(SopEnrolment).where(SopEnrolment.ended_at.is_(None))
            pairs = Counter((e.customer_id, e.sop_id) for e in session.scalars(running))
            assert max(pairs.values(), default=0) <= 1

    @invariant()
    def nothing_is_sent_at_night_nor_after_a_stop(self) -> None:
        with self.world.store.read() as session:
            for row in session.scalars(select(Outbox).where(Outbox.kind.in_(("card", "digest", "nudge")))):
                assert self.calendar.quiet_shifts(row.created_at) == ()
                anytime = row.task_id is not None and session.get_one(SopTask, row.task_id).anytime
                assert anytime or self.calendar.shifts(row.created_at) == ()
            for task in session.scalars(select(SopTask)):
                ended, peace = task.enrolment.ended_at, task.customer.opted_out_at
                if task.enrolment.ended_at is not None:
                    assert task.state not in ("planned", "queued", "delivered")
                for end in (ended, peace):
                    assert task.delivered_at is None or end is None or task.delivered_at <= end

    @invariant()
    def caps_are_kept(self) -> None:
        with self.world.store.read() as session:
            sent = select(SopTask).where(SopTask.delivered_at.is_not(None), SopTask.anytime.is_(False))
            days = Counter(
                (task.enrolment_id, self.calendar.local(task.delivered_at).date())
                for task in session.scalars(sent)
                if task.delivered_at is not None
            )
            assert max(days.values(), default=0) <= 1
            agents = select(Outbox).where(Outbox.kind.in_(("card", "digest"))).order_by(Outbox.id)
            apart = [
                row for row in session.scalars(agents) if row.state != "cancelled" and not self._anytime(session, row)
            ]
            for earlier, later in pairwise(apart):
                assert later.created_at - earlier.created_at >= timedelta(minutes=30)

    def _anytime(self, session: Session, row: Outbox) -> bool:
        return row.task_id is not None and session.get_one(SopTask, row.task_id).anytime


World.TestCase.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
TestWorld = pytest.mark.long(World.TestCase)
