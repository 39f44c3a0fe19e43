"""Leases of dead processes: one killed on this machine is not waited for, one that may be alive is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.platform import processes as liveness
from bot.platform.database.store import Store, still_held, take_lease
from bot.platform.processes import known_dead, name_process
from tests.faults.nursery import ROOT

NAMED = (
    "from bot.platform.processes import name_process; print(name_process(), flush=True); import time; time.sleep(60)"
)


@contextmanager
def another() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start another process; yields it and its name."""
    process = subprocess.Popen([sys.executable, "-c", NAMED], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        process.kill()
        process.communicate()


def test_a_process_is_known_dead_once_it_is_killed_reaped_or_not() -> None:
    with another() as (name, process):
        assert len(name) <= 64
        assert not known_dead(name)
        os.kill(process.pid, signal.SIGSTOP)
        assert not known_dead(name), "one that is frozen may go on"
        os.kill(process.pid, signal.SIGKILL)
        ends = time.monotonic() + 10
        while not known_dead(name):
            assert time.monotonic() < ends, "killed, and its parent has not asked for it"
            time.sleep(0.01)
        process.wait()
        assert known_dead(name)


def test_a_pid_that_was_given_out_again_is_another_process() -> None:
    host, place, started, pid = name_process().split(":")
    assert not known_dead(":".join((host, place, started, pid)))
    assert known_dead(":".join((host, place, str(int(started) - 1), pid)))


ELSEWHERE = ["", "a", "somebody else", "host:77", "host:elsewhere:12:999999", "h::12:999999"]
NO_PID = ["h:{place}:12:", "h:{place}:12:-1", "h:{place}:12:99999999999999999999"]


@pytest.mark.parametrize("name", ELSEWHERE + NO_PID)
def test_of_a_name_from_elsewhere_nothing_is_known(name: str) -> None:
    assert not known_dead(name.replace("{place}", name_process().split(":")[1]))


def test_where_the_system_tells_nothing_leases_run_out_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_PROC", ROOT / "no such folder")
    liveness._pid_namespace.cache_clear()
    try:
        with another() as (_, process):
            name = name_process().rpartition(":")[0] + f":{process.pid}"
            process.kill()
            process.wait()
            assert not known_dead(name)
    finally:
        liveness._pid_namespace.cache_clear()


def test_a_dead_holders_lease_goes_to_the_next_at_once_and_fences_him_off(store: Store) -> None:
    with another() as (name, process):
        with store.write() as session:
            first = take_lease(session, "pull", name, 60)
        with store.write() as session:
            assert take_lease(session, "pull", name_process(), 60) is None
        process.kill()
        process.wait()
        with store.write() as session:
            second = take_lease(session, "pull", name_process(), 60)
            assert first is not None
            assert second is not None
            assert second.fence > first.fence
            assert not still_held(session, first)
