"""What a dead worker held is taken up by another: at once where that is safe, else once its lease has ended."""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.platform import clock
from bot.platform.database.store import database_now
from bot.platform.models import Lease, Message, Outbox
from bot.worker.scheduler import periodic_jobs
from tests.faults.kills import AFTER_MESSAGES, add_both, talk
from tests.faults.world import World, stopped

LONG = 300.0  # until it counts as never
RESUMED = 30  # seconds from a death until what was held is taken up: a lease, and a sweep every ten
POINTS = ("decrypted", "claimed")


def leases(world: World) -> list[datetime]:
    """Until when what is being done now is held."""
    with world.system.store.read() as session:
        rows = session.scalars(select(Outbox.lease_until).where(Outbox.state == "sending"))
        pulls = session.scalars(select(Lease.until).where(Lease.name.startswith("pull")))
        return [until for until in (*rows, *pulls) if until is not None]


def lend(world: World, to: timedelta) -> None:
    """Let all leases end so long from now, whoever holds them."""
    with world.system.store.write() as session:
        until = database_now(session) + to
        session.execute(update(Lease).values(until=until))
        session.execute(update(Outbox).where(Outbox.state == "sending").values(lease_until=until))


def held_work_done(world: World, point: str, before: int) -> bool:
    if point == "decrypted":
        return world.count(Message) == before + 4
    with world.system.store.read() as session:
        again = session.scalars(select(Outbox.state).where(Outbox.attempts > 1, Outbox.kind != "welcome"))
        return set(again) == {"sent"}


def sweep_every() -> float:
    return next(periodic.every for periodic in periodic_jobs() if periodic.job == "sweep")


@pytest.mark.parametrize("point", POINTS)
def test_what_a_dead_worker_held_is_taken_up_by_another(world: World, point: str) -> None:
    """Nobody waits for a dead holder of the right to pull, however long it is still held. A row that was to leave may
    be on its way still: its lease has to end, and it is never longer than the seconds of a resumption allow."""
    add_both(world)
    world.settle()
    before = world.count(Message)
    talk(world)
    world.queue.enqueue_once("pull", seconds=1)
    holder = world.start("worker", f"{point}:1:freeze")
    world.until(lambda: stopped(holder), LONG)
    os.kill(holder, signal.SIGKILL)
    held = leases(world)
    assert held
    assert max(held) <= clock.now() + timedelta(seconds=RESUMED - sweep_every())
    lend(world, timedelta(hours=1))
    world.start("worker")
    world.start("scheduler")
    if point == "claimed":
        time.sleep(2)  # due and sweep have rung meanwhile
        assert not held_work_done(world, point, before), "it may be on its way still"
        lend(world, timedelta(seconds=-1))
    world.until(lambda: held_work_done(world, point, before), LONG)
    world.until(lambda: not world.left() and world.picture()["tags"] == AFTER_MESSAGES["tags"], LONG)
