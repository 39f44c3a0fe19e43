"""A company, its customers and Tici as real processes, with the means to break them and to count what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.app import create_app
from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.models import (
    ArchiveCursor,
    CallbackEvent,
    Customer,
    Evidence,
    Follow,
    Lease,
    Message,
    Outbox,
    Quarantine,
    SopTask,
    StageMove,
    Tagging,
)
from bot.platform.queue import JobQueue
from bot.system import System, use_system
from tests.faults.nursery import Nursery
from tests.support.parts import AGENT, Town, listening, open_town, served, variables

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ANNE, BEN = "wmTESTanne0000000000000000000001", "wmTESTben00000000000000000000002"
NAMES = {ANNE: "anne", BEN: "ben"}


# What comes by itself: a list in the morning, a reminder, a question to WeCom for later. No kill changes it.
BY_THE_HOUR = ("day_list", "nudge", "consent", "week")


@dataclass
class World:
    """One test's world. Nothing works in it until a process is started."""

    system: System
    town: Town
    nursery: Nursery
    variables: dict[str, str]
    folder: Path
    web_port: int
    started: list[int] = field(default_factory=list)

    @property
    def control(self) -> Any:
        return self.town.control

    @property
    def queue(self) -> JobQueue:
        return self.system.queue

    def start(self, what: str, fail_at: str = "", **more: str) -> int:
        """Start a process; its pid."""
        pid = self.nursery.start(what, {**self.variables, **more}, self.folder / f"{what}.log", fail_at)
        self.started.append(pid)
        return pid

    def work(self, fail_at: str = "") -> int:
        """Enqueue as the scheduler does and let one worker empty the queues; its exit status."""
        for job in ("handle_events", "pull", "due", "sweep"):
            self.queue.enqueue_once(job, seconds=1)
        return self.nursery.wait(self.start("burst", fail_at))

    def redis_lost(self) -> None:
        """Empty Redis: all that it knew is gone."""
        self.queue.connection.flushall()

    def leases_end(self) -> None:
        """End all leases, as time does: no dead process holds anything any more."""
        with self.system.store.write() as session:
            session.execute(update(Lease).values(until=LONG_AGO))
            session.execute(update(Outbox).where(Outbox.state == "sending").values(lease_until=LONG_AGO))

    def settle(self) -> None:
        """Work until nothing is left to do now."""
        for _ in range(20):
            status = self.work()
            assert status == 0, self.log("burst")[-2000:]
            if not (left := self.left()):
                return
            time.sleep(0.1)
        raise AssertionError(f"not settled: {left}\n{self.log('burst')}")

    def left(self) -> list[str]:
        """What is still to be done, in words."""
        seq = self.control.state()["last_seq"]
        with self.system.store.read() as session:
            cursor = session.scalars(select(ArchiveCursor)).first()
            rows = session.scalars(select(Outbox).where(Outbox.state.in_(("waiting", "sending"))))
            now = [row for row in rows if row.attempts or row.not_before <= clock.now()]  # not what was put off
            found = [f"{row.kind} {row.state}: {row.error}" for row in now]
            open_events = select(func.count()).where(CallbackEvent.handled_at.is_(None))
            if count := session.scalar(open_events):
                found.append(f"{count} events")
        if (cursor.seq if cursor else 0) < seq:
            found.append(f"archive at {cursor.seq if cursor else 0} of {seq}")
        return found

    def until(self, happened: Callable[[], Any], seconds: float = 200) -> Any:
        """Wait for it; gives what it gave."""
        ends = time.monotonic() + seconds
        while not (found := happened()):
            assert time.monotonic() < ends, f"did not happen within {seconds} s; left: {self.left()}"
            time.sleep(0.05)
        return found

    def log(self, what: str) -> str:
        path = self.folder / f"{what}.log"
        return path.read_text() if path.exists() else ""

    # what people do
    def add(self, who: str) -> None:
        """A customer adds the agent, and the callback has arrived."""
        before = self.count(CallbackEvent)
        self.control.add_customer(AGENT, NAMES[who], external_userid=who)
        self.until(lambda: self.count(CallbackEvent) > before)

    def talk(self, *lines: tuple[str, str]) -> None:
        """Say (who, words) in the archive, all at once, at this moment."""
        at = int(clock.now().timestamp() * 1000)
        said = []
        for number, (who, words) in enumerate(lines):
            customer = who if who in NAMES else who.split(">")[1]
            sender, receiver = (who, AGENT) if who in NAMES else (AGENT, customer)
            said.append({"from": sender, "to": receiver, "text": words, "at": at + number})
        self.control.archive(said)

    # what came of it
    def count(self, model: type[Any]) -> int:
        with self.system.store.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def picture(self) -> dict[str, Any]:
        """Everything that counts, in the database and on the phones, by people's names."""
        with self.system.store.read() as session:
            return {**self._stored(session), **self._seen()}

    def _stored(self, session: Session) -> dict[str, Any]:
        who = {c.id: NAMES.get(c.external_userid, "?") for c in session.scalars(select(Customer))}
        carried = select(Tagging).where(Tagging.removed_at.is_(None))
        return {
            "messages": session.scalar(select(func.count()).select_from(Message)),
            "evidence": sorted((who[e.customer_id], e.rule_id) for e in session.scalars(select(Evidence))),
            "tags": sorted((who[t.customer_id], t.tag) for t in session.scalars(carried)),
            "moves": sorted((who[m.customer_id], m.serial, m.to_stage) for m in session.scalars(select(StageMove))),
            "tasks": sorted(
                (who[t.customer_id], t.enrolment.sop_id, t.step, t.state) for t in session.scalars(select(SopTask))
            ),
            "outbox": dict(Counter(_done(r) for r in session.scalars(select(Outbox)) if _counts(r))),
            "follows": sorted(who[f.customer_id] for f in session.scalars(select(Follow))),
            "quarantined": session.scalar(select(func.count()).select_from(Quarantine)),
            "named": sorted(c.name for c in session.scalars(select(Customer))),
        }

    def _seen(self) -> dict[str, Any]:
        control = self.control
        follows = [f for f in control.state()["follows"] if f["external_userid"] in NAMES]
        return {
            "cards": sorted(card["quote_area"]["quote_text"][:4] for card in self.cards() if "quote_area" in card),
            "marks": sorted((NAMES[f["external_userid"]], tag) for f in follows for tag in f["tags"]),
            "welcomed": sorted(NAMES[e["external_userid"]] for e in control.effects(0, "welcome")),
        }

    def cards(self) -> list[dict[str, Any]]:
        """The cards on agents' phones, one entry for each time one was shown."""
        shown = self.control.effects(0, "message")
        return [effect["template_card"] for effect in shown if "template_card" in effect]


def _counts(row: Outbox) -> bool:
    """Tags may be made in WeCom once or, where two are marked for the first time at once, twice."""
    return row.kind not in BY_THE_HOUR and not row.payload.get("make")


def _done(row: Outbox) -> str:
    """Kind and state. A mark that finds a newer stage on the phone already has nothing to do, which is as good."""
    overtaken = (row.kind, row.state) == ("mark_tag", "cancelled")
    return f"{row.kind} {'sent' if overtaken else row.state}"


@contextmanager
def open_world(
    folder: Path, database_url: str, redis_url: str, nursery: Nursery, monkeypatch: Any, **more: str
) -> Iterator[World]:
    """A world on this database and queue: sandbox and web run in threads here, the rest as ordered."""
    from bot.platform.environment import read_environment
    from tests.support.fresh import bring_up

    with listening() as held, open_town(folder / "sandbox", f"http://127.0.0.1:{held.getsockname()[1]}") as town:
        given = variables(folder, town, TICI_DATABASE_URL=database_url, TICI_REDIS_URL=redis_url, **more)
        monkeypatch.setenv("TICI_CLOCK_FILE", given["TICI_CLOCK_FILE"])
        system = System(read_environment(given))
        bring_up(system.store.engine)
        app = create_app(system)
        use_system(system)
        world = World(system, town, nursery, given, folder, held.getsockname()[1])
        try:
            with served(app, held):
                yield world
            assert audit(system.store, clock.now(), running=False) == []
        finally:
            for pid in world.started:
                end(nursery, pid)
            system.store.close()
            system.queue.connection.close()


def stopped(pid: int) -> bool:
    """Whether a process is frozen."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


def end(nursery: Nursery, pid: int) -> None:
    """Kill it if it still runs, and wait."""
    import os
    import signal

    if nursery.poll(pid) is None:
        os.kill(pid, signal.SIGKILL)
        nursery.wait(pid)
