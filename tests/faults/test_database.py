"""The database crashes, is locked, runs out of disk, or its migration is killed: all or nothing, and on by itself."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from sqlalchemy import event, func, make_url, select, text
from sqlalchemy.exc import OperationalError

from bot.intake.pull import POISON_TRIES, pull
from bot.platform import clock
from bot.platform.database.schema import current_revision, differences, head_revision, upgrade
from bot.platform.database.store import get_status, open_engine, set_status
from bot.platform.models import ArchiveCursor
from tests.faults.kills import AFTER_MESSAGES, add_both, talk
from tests.faults.nursery import ROOT
from tests.faults.starving import children, full_disk
from tests.faults.world import ANNE, BEN, World
from tests.support.parts import ASK
from tests.support.postgres import Postgres

LONG = 60.0  # a busy machine is no defect
SLICES = ("moves", "tags", "evidence", "messages")


def busy_world(world: World) -> int:
    """Both customers added and settled; a worker and a scheduler run. Gives the worker's pid."""
    add_both(world)
    world.settle()
    worker = world.start("worker")
    world.start("scheduler")
    return worker


def all_done(world: World) -> bool:
    picture = world.picture()
    return all(picture[name] == AFTER_MESSAGES[name] for name in SLICES) and not world.left()


def seq(world: World) -> int:
    with world.system.store.read() as session:
        return session.scalar(select(func.max(ArchiveCursor.seq))) or 0


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_crashed_in_the_middle_of_the_work(world: World, postgres: Postgres) -> None:
    worker = busy_world(world)
    for _ in range(3):
        postgres.crash()
        world.queue.enqueue_once("pull", seconds=1)
        postgres.start()
        world.queue.enqueue_once("pull", seconds=1)
    talk(world)
    postgres.crash()
    postgres.start()
    world.until(lambda: all_done(world), LONG)
    assert world.picture()["cards"] == AFTER_MESSAGES["cards"]
    assert world.nursery.poll(worker) is None, "the worker lives on"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_crash_undoes_nothing_that_was_committed(world: World, postgres: Postgres) -> None:
    """Though the server's own setting would let it: what WeCom was told meanwhile cannot be taken back."""
    store = world.system.store
    with store.read() as session:
        assert session.scalar(text("SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'")) == "off"
    for number in range(3):
        with store.write() as session:
            set_status(session, "told", {"times": number}, clock.now())
        postgres.crash()
        postgres.start()
        with store.read() as session:
            status = get_status(session, "told")
        assert status is not None
        assert status.value == {"times": number}


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Somebody else holds what every writer needs."""
    url = make_url(world.system.store.url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        return
    with psycopg.connect(str(url)) as holder:
        holder.execute("LOCK TABLE message, archive_cursor, outbox IN EXCLUSIVE MODE")
        yield
        holder.rollback()


def test_locked_for_longer_than_anybody_waits(world: World) -> None:
    worker = busy_world(world)
    before = seq(world)
    with locked(world):
        talk(world)
        world.until(lambda: "job failed" in world.log("worker"), LONG)
        assert seq(world) == before
    world.until(lambda: all_done(world), LONG)
    assert world.nursery.poll(worker) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lock_of_minutes_makes_no_message_a_suspect(world: World) -> None:
    """What fails again and again because of the database is not poison, and is not put aside."""
    engine = world.system.store.engine
    event.listen(engine, "connect", lambda raw, _: raw.execute("SET lock_timeout = 20"))
    engine.dispose()
    world.talk((ANNE, ASK), (BEN, ASK))
    with psycopg.connect(str(make_url(world.system.store.url))) as holder:
        holder.execute("LOCK TABLE message IN EXCLUSIVE MODE")
        for _ in range(3 * POISON_TRIES):
            with pytest.raises(OperationalError):
                pull(world.system)
        holder.rollback()
    done = pull(world.system)
    assert (done.rows, done.quarantined) == (2, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_under_sqlite(world: World) -> None:
    worker = busy_world(world)
    before = seq(world)
    with full_disk([worker]):
        talk(world)
        world.until(lambda: "job failed" in world.log("worker"), LONG)
        assert seq(world) == before
        assert world.picture()["messages"] < AFTER_MESSAGES["messages"]
    world.until(lambda: all_done(world), LONG)
    assert world.nursery.poll(worker) is None


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_full_disk_under_postgresql(world: World, postgres: Postgres) -> None:
    """It cannot write its log and goes down by itself; when there is room again it is started again."""
    worker = busy_world(world)
    with full_disk([postgres.pid, *children(postgres.pid)]):
        talk(world)
        world.queue.enqueue_once("pull", seconds=1)
        world.until(lambda: not postgres.runs, LONG)
    postgres.start()
    world.until(lambda: all_done(world), LONG)
    assert world.nursery.poll(worker) is None


_KILLED_MIGRATION = """
import os, signal, sys
from sqlalchemy import event
from bot.platform.database.schema import upgrade
from bot.platform.database.store import get_status, open_engine, set_status

url, *turns = sys.argv[1:]
for turn in map(int, turns):
    pid = os.fork()
    if pid == 0:
        engine, left = open_engine(url), [turn]
        @event.listens_for(engine, "after_cursor_execute")
        def count(*_):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        upgrade(engine)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_migration_killed_half_way_is_begun_anew(database_url: str) -> None:
    """Killed after so many statements; what it had done is undone, and the next try does all of it."""
    turns = ["3", "12", "40", "90"]
    command = [sys.executable, "-W", "ignore", "-c", _KILLED_MIGRATION, database_url, *turns]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=True)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * len(turns), done.stderr[-2000:]
    engine = open_engine(database_url)
    assert current_revision(engine) is None, "nothing is left half done"
    assert upgrade(engine) == (None, head_revision())
    assert differences(engine) == []
    assert upgrade(engine)[0] == head_revision()
    engine.dispose()
