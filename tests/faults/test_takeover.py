"""Two schedulers, one of them killed; two workers at once; config edited while everything runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.database.store import database_now, get_status
from bot.platform.models import Customer, Evidence, Lease, Tagging
from bot.worker import scheduler
from tests.faults.kills import AFTER_EVENTS, AFTER_MESSAGES, KILLED, add_both, talk
from tests.faults.nursery import ROOT
from tests.faults.world import ANNE, World
from tests.support.parts import CONFIG

TAKEOVER = 30  # seconds from a death to the next one's first ring: a lease, and a look at it every five
PATIENCE = 300.0


def holder(world: World) -> int:
    """The pid of the scheduler that holds the lease; 0 where none does."""
    with world.system.store.read() as session:
        lease = session.get(Lease, "scheduler")
        return int(lease.owner.rpartition(":")[2]) if lease and lease.owner else 0


def held_until(world: World) -> datetime:
    with world.system.store.read() as session:
        return session.get_one(Lease, "scheduler").until


def lend(world: World, to: timedelta) -> None:
    """Let the lease end so long from now, whoever holds it."""
    with world.system.store.write() as session:
        session.get_one(Lease, "scheduler").until = database_now(session) + to


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_scheduler_killed_or_frozen_is_followed(lite_world: World, how: signal.Signals) -> None:
    """One known to be dead is not waited for, however long its lease. One that is frozen may go on, as one on another
    machine may: its lease has to end, which is never longer than the seconds of a takeover allow."""
    world = lite_world
    first = world.start("scheduler")
    world.until(lambda: holder(world) == first, PATIENCE)
    second = world.start("scheduler")
    world.start("worker")
    add_both(world)
    world.until(lambda: not world.left(), PATIENCE)
    assert holder(world) == first, "one enqueues, the other stands by"
    os.kill(first, how)
    assert held_until(world) <= clock.now() + timedelta(seconds=TAKEOVER - scheduler.LEASE_SECONDS / 4)
    lend(world, timedelta(hours=1))
    world.redis_lost()
    if how == signal.SIGSTOP:
        time.sleep(scheduler.LEASE_SECONDS / 4 + 1)  # the other looks meanwhile
        assert holder(world) == first, "whoever may go on is waited for"
        lend(world, timedelta(seconds=-1))
    world.until(lambda: holder(world) == second, PATIENCE)
    talk(world)
    world.until(lambda: world.picture() == AFTER_MESSAGES, PATIENCE)


def test_a_scheduler_told_to_stop_hands_over_at_once(lite_world: World) -> None:
    world = lite_world
    first = world.start("scheduler")
    world.until(lambda: holder(world) == first, PATIENCE)
    second = world.start("scheduler")
    os.kill(first, signal.SIGTERM)
    assert world.nursery.wait(first) == 0
    world.until(lambda: holder(world) == second, PATIENCE)


def test_four_workers_at_once_do_everything_once(world: World) -> None:
    for job in ("handle_events", "pull"):
        world.queue.enqueue_once(job)
    add_both(world)
    workers = [world.start("worker") for _ in range(4)]
    world.start("scheduler")
    world.until(lambda: not world.left() and world.picture()["cards"] == AFTER_EVENTS["cards"])
    talk(world)
    world.until(lambda: world.picture() == AFTER_MESSAGES, PATIENCE)
    assert all(world.nursery.poll(pid) is None for pid in workers)


def test_the_command_itself_dies_where_it_is_told_to(lite_world: World) -> None:
    """FAIL_AT in the environment of `flask worker`, as an operator's drill would do it."""
    world = lite_world
    add_both(world)
    world.queue.enqueue_once("handle_events")
    command = [sys.executable, "-W", "ignore", "-m", "flask", "--app", str(ROOT / "wsgi.py"), "worker", "--burst"]
    environment = {**os.environ, **world.variables, "FAIL_AT": "event:2"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == KILLED, done.stderr[-2000:]
    world.leases_end()
    world.settle()
    assert world.picture() == AFTER_EVENTS


def tags(world: World, who: str) -> set[str]:
    with world.system.store.read() as session:
        carried = select(Tagging.tag).join(Customer, Customer.id == Tagging.customer_id)
        return set(session.scalars(carried.where(Customer.external_userid == who, Tagging.removed_at.is_(None))))


@pytest.mark.parametrize("broken", ["不是 TOML", ""])
def test_a_config_made_invalid_while_running_is_reported_and_the_last_good_one_works_on(
    lite_world: World, broken: str
) -> None:
    world = lite_world
    config = world.folder / "config.toml"
    world.start("worker")
    add_both(world)
    world.queue.enqueue_once("handle_events")
    world.until(lambda: not world.left())
    good = world.system.settings.version
    if broken:
        config.write_text(broken, encoding="utf-8")
    else:
        config.rename(config.with_name("elsewhere.toml"))
    time.sleep(2)
    talk(world)
    world.until(lambda: "考虑价格" in tags(world, ANNE))
    with world.system.store.read() as session:
        status = get_status(session, "config")
        versions = set(session.scalars(select(Evidence.version)))
    assert status is not None
    assert status.value["version"] == good
    assert versions == {good}
    assert status.value["problems"]
    assert world.system.settings.version == good
    assert "config refused" in world.log("worker")


def test_an_edited_config_is_in_force_within_two_seconds_in_worker_and_web(lite_world: World) -> None:
    world = lite_world
    world.start("worker")
    add_both(world)
    world.queue.enqueue_once("handle_events")
    world.until(lambda: not world.left())
    before = world.system.settings.version
    edited = CONFIG.replace('any = ["多少钱"]', 'any = ["多少钱", "怎么卖"]')
    (world.folder / "config.toml").write_text(edited, encoding="utf-8")
    time.sleep(2)
    world.talk((ANNE, "这个怎么卖"))
    world.until(lambda: "考虑价格" in tags(world, ANNE))
    with world.system.store.read() as session:
        used = set(session.scalars(select(Evidence.version)))
    assert used == {world.system.settings.version}
    assert used != {before}


def test_a_worker_started_on_a_broken_config_works_by_the_last_good_one(lite_world: World) -> None:
    world = lite_world
    add_both(world)
    world.settle()
    (world.folder / "config.toml").write_text("workspace = 3", encoding="utf-8")
    talk(world)
    world.settle()
    assert world.picture() == AFTER_MESSAGES
