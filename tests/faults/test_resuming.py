"""What a dead worker held is taken up by another; `pytest -s` tells the seconds."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
from sqlalchemy import select

from bot.platform.models import Message, Outbox
from tests.faults.kills import AFTER_MESSAGES, add_both, talk
from tests.faults.world import World, stopped

LONG = 60.0  # until it counts as never
# Where he dies, what he held, and the seconds from his death until it is done. Nobody waits for a dead holder of the
# right to pull; a row that was to leave may be on its way still, so its lease has to end.
POINTS = {"decrypted": ("a batch", 10.0), "claimed": ("a row of the outbox", 30.0)}


def held_work_done(world: World, point: str, before: int) -> bool:
    if point == "decrypted":
        return world.count(Message) == before + 4
    with world.system.store.read() as session:
        again = session.scalars(select(Outbox.state).where(Outbox.attempts > 1, Outbox.kind != "welcome"))
        return set(again) == {"sent"}


@pytest.mark.parametrize("point", POINTS)
def test_what_a_dead_worker_held_is_taken_up_by_another(world: World, point: str) -> None:
    """Timed from the moment he stops, his leases hardly begun."""
    add_both(world)
    world.settle()
    before = world.count(Message)
    talk(world)
    world.queue.enqueue_once("pull", seconds=1)
    holder = world.start("worker", f"{point}:1:freeze")
    world.until(lambda: stopped(holder), LONG)
    begun = time.monotonic()
    os.kill(holder, signal.SIGKILL)
    world.start("worker")
    world.start("scheduler")
    world.until(lambda: held_work_done(world, point, before), LONG)
    took = time.monotonic() - begun
    what, within = POINTS[point]
    sys.stdout.write(f"\n{what} that a dead worker held was done after {took:.1f} s\n")
    assert took < within
    world.until(lambda: not world.left() and world.picture()["tags"] == AFTER_MESSAGES["tags"], LONG)
