"""Rehearsal: plays a company's dialogues through the sandbox and the whole product, in the past, at full speed.

Nothing is written that did not come in by the archive or a callback: only the clock is ours. It begins at the first
cue and is moved from one moment at which something happens to the next, until the present.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from sqlalchemy import select

from bot.agents.promises import judge_promise
from bot.commands.demo.scenes import Company, Cue, Scene
from bot.commands.demo.stage import Stage
from bot.delivery.rows import waiting_ids
from bot.platform import clock
from bot.platform.models import Outbox, Promise, SopTask
from bot.sandbox import people, rooms
from bot.sandbox.people import ImpossibleError
from bot.sandbox.state import Json, Sandbox
from bot.system import System
from bot.worker import handlers, jobs

TOGETHER = timedelta(minutes=12)  # what happens within it is worked on at once
TICK = timedelta(hours=2)  # in between, time itself may make something due
ROUNDS = 6  # of delivering and what comes of it, at one moment

Deed = Callable[[], object]


def external_userid(company: Company, customer: str) -> str:
    """A customer's id: the same in every rehearsal."""
    return "wm" + hashlib.sha256(f"{company.name}/{customer}".encode()).hexdigest()[:30]


@dataclass
class Rehearsal:
    """One run through the dialogues."""

    system: System
    stage: Stage
    company: Company

    cues: list[tuple[datetime, int, Deed]] = field(default_factory=list)
    order: count[int] = field(default_factory=count)
    met: set[int] = field(default_factory=set)  # tasks whose prompt an agent has seen
    chats: dict[str, str] = field(default_factory=dict)  # a group's name -> its chat_id

    def play(self, present: datetime, progress: Callable[[datetime], object]) -> None:
        """Everything until the present; `progress` is told each moment reached."""
        for scene in self.company.scenes:
            for cue in scene.cues:
                self._plan(self._at(cue), partial(self._act, scene, cue))
        moment = self.cues[0][0]
        clock.begin_at(moment)
        while moment < present:
            coming = self.cues[0][0] + TOGETHER if self.cues else present
            moment = min(max(coming, moment), moment + TICK, present)
            while self.cues and self.cues[0][0] <= moment:
                at, _, deed = heapq.heappop(self.cues)
                clock.begin_at(at)
                deed()
                self._take_in_events()  # before the clock moves on: callbacks and welcomes do not wait
            clock.begin_at(moment)
            self._work()
            progress(moment)
        self._keep_promises()
        self._work()

    def _at(self, cue: Cue) -> datetime:
        return datetime.combine(self.company.today + timedelta(days=cue.day), cue.at, self.system.settings.zone)

    def _plan(self, at: datetime, deed: Deed) -> None:
        heapq.heappush(self.cues, (at, next(self.order), deed))

    def _act(self, scene: Scene, cue: Cue) -> object:
        who, sandbox = external_userid(self.company, scene.customer), self.stage.sandbox
        pair = {"userid": scene.agent, "external_userid": who}
        match cue.deed:
            case "加":
                return people.add_customer(sandbox, {**pair, "name": scene.customer, "state": scene.channel})
            case "客":
                return people.say(sandbox, {"from": who, "to": scene.agent, "content": cue.words})
            case "员":
                return people.say(sandbox, {"from": scene.agent, "to": who, "content": cue.words})
            case "删":
                return people.part(sandbox, {**pair, "by": "customer"})
            case "入":
                return rooms.change_room(sandbox, {"chat_id": self._chat(cue.group), "join": [who]})
            case _:
                speaker = who if cue.deed == "群客" else scene.agent
                said = {"chat_id": self._chat(cue.group), "from": speaker, "content": cue.words}
                return rooms.say_in_room(sandbox, said)

    def _chat(self, group: str) -> str:
        """The group's chat_id; made when it is first needed, with all of our own people in it."""
        if group not in self.chats:
            owner = self.company.userid(self.company.groups[group])
            members = [person.userid for person in self.company.staff]
            made = rooms.create_room(self.stage.sandbox, {"owner": owner, "name": group, "members": members})
            self.chats[group] = str(made["chat_id"])
        return self.chats[group]

    def _take_in_events(self) -> None:
        if self.stage.wait_for_callbacks():
            jobs.handle_events()
            self._deliver("welcome")

    def _work(self) -> None:
        """What workers and scheduler would do at this moment."""
        self.stage.wait_for_callbacks()
        jobs.handle_events()
        jobs.pull()
        jobs.due()
        jobs.timers()
        for _ in range(ROUNDS):
            if not self._deliver():
                break
            self.stage.wait_for_callbacks()
            jobs.handle_events()
        self._read_prompts()

    def _deliver(self, kind: str = "") -> int:
        with self.system.store.read() as session:
            ids = waiting_ids(session, clock.now())
            if kind:
                ids = list(session.scalars(select(Outbox.id).where(Outbox.id.in_(ids), Outbox.kind == kind)))
        for row_id in ids:
            handlers.deliver(self.system, row_id)
        return len(ids)

    def _read_prompts(self) -> None:
        """Have the agents see their new prompts: they send most of them after a while, some in words of their own."""
        keen = {person.userid: person.keen for person in self.company.staff}
        now = clock.now()
        with self.system.store.read() as session:
            query = select(SopTask).where(SopTask.state == "delivered", SopTask.completed_at.is_(None))
            for task in session.scalars(query):
                if task.id in self.met:
                    continue
                self.met.add(task.id)
                who, agent = task.customer.external_userid, task.agent.userid
                draw = _draw(who, task.enrolment.sop_id, task.step)
                if draw % 100 < keen.get(agent, 0):
                    words = _reworded(task.text) if draw % 7 == 0 else task.text
                    said = {"from": agent, "to": who, "content": words}
                    self._plan(now + timedelta(minutes=3 + draw % 50), partial(_send, self.stage.sandbox, said))

    def _keep_promises(self) -> None:
        """Have the agents tap 已做到 on what they promised, save what the dialogues of the last day leave open."""
        left = {cue.words for scene in self.company.scenes for cue in scene.cues if cue.day == 0 and cue.deed == "员"}
        with self.system.work() as work:
            for row in work.session.scalars(
                select(Promise).where(Promise.by == "agent", Promise.closed_at.is_(None))
            ):
                if not any(row.words in words for words in left):
                    judge_promise(work, row, "kept", row.agent.userid)


def _send(sandbox: Sandbox, said: Json) -> None:
    with suppress(ImpossibleError):  # the customer has deleted the agent meanwhile
        people.say(sandbox, said)


def _draw(who: str, sop: str, step: int) -> int:
    return int(hashlib.sha256(f"{who}/{sop}/{step}".encode()).hexdigest()[:8], 16)


def _reworded(text: str) -> str:
    """The same in slightly other words, as somebody in a hurry would type it."""
    return text.replace("您好，", "您好呀，", 1).replace("。", "，", 1).rstrip("。") + "～"
