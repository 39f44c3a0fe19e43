"""A worker frozen before its call, and overtaken, does not undo what was done meanwhile."""

from __future__ import annotations

import os
import signal
import time

from sqlalchemy import select

from bot.agents.manual_moves import move_by_hand
from bot.customers.state import load_customer
from bot.delivery.rows import LEASE_SECONDS
from bot.platform import clock
from bot.platform.models import Customer, Placement
from bot.platform.work import Work
from tests.faults.kills import talk
from tests.faults.world import ANNE, World, stopped

PIPELINE = "课程转化"


def drag(world: World, to: str) -> None:
    with world.system.store.write() as session:
        customer = session.scalars(select(Customer).where(Customer.external_userid == ANNE)).one()
        move_by_hand(
            Work(session, world.system.settings, clock.now()), load_customer(session, customer), PIPELINE, to, "admin"
        )


def stage(world: World) -> str:
    with world.system.store.read() as session:
        here = select(Placement.stage).join(Customer, Customer.id == Placement.customer_id)
        return str(session.scalar(here.where(Customer.external_userid == ANNE)))


def test_a_mark_that_was_overtaken_is_not_made_any_more(world: World) -> None:
    """Made late, it would look as if the agent had moved the card back."""
    world.add(ANNE)
    talk(world)
    world.settle()
    drag(world, "新线索")
    frozen = world.start("worker", "claimed:1:freeze")  # it enqueues the sweep itself
    world.until(lambda: stopped(frozen), 60)
    begun = time.monotonic()
    drag(world, "考虑价格")
    world.leases_end()
    world.settle()
    time.sleep(max(0.0, begun + LEASE_SECONDS + 1 - time.monotonic()))
    os.kill(frozen, signal.SIGCONT)
    world.queue.enqueue_once("due", seconds=1)
    world.until(
        lambda: world.queue.depth()["default"] == 0, 60
    )  # the worker that takes this call has removed the mark
    world.settle()
    assert stage(world) == "考虑价格"
    assert [mark for mark in world.picture()["marks"] if mark[0] == "anne"] == [("anne", "考虑价格")]
