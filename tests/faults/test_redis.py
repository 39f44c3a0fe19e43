"""A Redis emptied, frozen or killed in the middle of the work: nothing is lost, no callback waits."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.platform.valkey import ensure_valkey, stop_valkey
from tests.faults.kills import AFTER_EVENTS, AFTER_MESSAGES, add_both, talk
from tests.faults.nursery import Nursery
from tests.faults.world import World, open_world

RESUMED = 300.0  # ten times the seconds within which lost work is taken up again
PATIENT_WECOM = 50  # seconds it waits for an answer: ten times as long as the real one


@pytest.fixture
def queue_world(nursery: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world with an embedded queue of its own, a worker and a scheduler running."""
    ensure_valkey(tmp_path)
    with open_world(tmp_path, f"sqlite:///{tmp_path / 'tici.db'}", "", nursery, monkeypatch) as world:
        world.start("worker")
        world.start("scheduler")
        yield world
    stop_valkey(tmp_path)


def server_pid(world: World) -> int:
    return int(json.loads((world.folder / "valkey" / "server.json").read_text())["pid"])


def test_emptied_again_and_again(queue_world: World) -> None:
    world = queue_world
    add_both(world)
    for _ in range(20):
        world.redis_lost()
        time.sleep(0.02)
    world.until(lambda: world.picture()["cards"] == AFTER_EVENTS["cards"], RESUMED)
    talk(world)
    for _ in range(20):
        world.redis_lost()
        time.sleep(0.02)
    world.until(lambda: world.picture() == AFTER_MESSAGES, RESUMED)


def test_frozen_for_a_while(queue_world: World) -> None:
    world = queue_world
    pid = server_pid(world)
    world.control.switches(callback_timeout=PATIENT_WECOM)
    os.kill(pid, signal.SIGSTOP)
    try:
        add_both(world)  # stored while Redis hangs
        talk(world)
        world.until(lambda: world.control.state()["callbacks"].get("waiting", 0) == 0, RESUMED)
        assert all(effect["attempt"] == 1 for effect in world.control.effects(0, "callback"))
        time.sleep(4)  # the worker and the scheduler hang meanwhile
    finally:
        os.kill(pid, signal.SIGCONT)
    assert server_pid(world) == pid, "no second queue beside one that only hangs"
    world.until(lambda: world.picture()["welcomed"] == AFTER_MESSAGES["welcomed"], RESUMED)
    world.until(lambda: world.picture()["tags"] == AFTER_MESSAGES["tags"], RESUMED)
    world.until(lambda: not world.left(), RESUMED)


def test_full_it_takes_nothing_and_nothing_is_lost(queue_world: World) -> None:
    """Without room a Valkey that may not evict refuses every write; callbacks are answered all the same."""
    world = queue_world
    world.control.switches(callback_timeout=PATIENT_WECOM)
    world.queue.connection.config_set("maxmemory", 1)
    add_both(world)
    talk(world)
    world.until(lambda: world.control.state()["callbacks"].get("waiting", 0) == 0, RESUMED)
    assert all(effect["attempt"] == 1 for effect in world.control.effects(0, "callback"))
    assert world.queue.enqueue_once("sweep") is False
    world.until(lambda: "worker waits for the queue" in world.log("worker"), RESUMED)
    world.queue.connection.config_set("maxmemory", 0)
    world.until(lambda: world.picture()["tags"] == AFTER_MESSAGES["tags"], RESUMED)
    world.until(lambda: not world.left(), RESUMED)
    assert all(world.nursery.poll(pid) is None for pid in world.started), "worker and scheduler live on"


def test_killed_and_started_again_by_the_scheduler(queue_world: World) -> None:
    world = queue_world
    add_both(world)
    world.until(lambda: not world.left(), RESUMED)
    killed = server_pid(world)
    os.kill(killed, signal.SIGKILL)
    talk(world)
    world.until(lambda: server_pid(world) != killed, RESUMED)
    world.until(lambda: world.picture() == AFTER_MESSAGES, RESUMED)
    assert all(world.nursery.poll(pid) is None for pid in world.started), "worker and scheduler live on"


def test_without_redis_the_worker_waits_for_it(lite_world: World) -> None:
    """A worker that is started before its queue, as after a power cut."""
    world = lite_world
    pid = world.start("worker", TICI_REDIS_URL="redis://127.0.0.1:1/0")
    world.until(lambda: "worker waits for the queue" in world.log("worker"))
    os.kill(pid, signal.SIGTERM)
    assert world.nursery.wait(pid, RESUMED) is not None


def test_an_evicting_redis_is_refused(lite_world: World) -> None:
    """A full Redis that drops keys would drop wake-up calls without a word."""
    world = lite_world
    world.queue.connection.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert world.work() == 1
    finally:
        world.queue.connection.config_set("maxmemory-policy", "noeviction")
    assert "noeviction" in world.log("burst")


def test_the_policy_of_a_redis_that_hides_its_settings_is_seen_all_the_same(lite_world: World) -> None:
    """Hosted ones refuse CONFIG; an evicting one must not get through by that."""
    world = lite_world
    server: Any = world.queue.connection
    password = "of-a-user-who-may-not-config"
    server.execute_command("ACL", "SETUSER", "hosted", "on", f">{password}", "~*", "&*", "+@all", "-config")
    host = server.connection_pool.connection_kwargs
    url = f"redis://hosted:{password}@{host['host']}:{host['port']}/0"
    try:
        assert world.nursery.wait(world.start("burst", TICI_REDIS_URL=url)) == 0
        server.config_set("maxmemory-policy", "allkeys-lru")
        assert world.nursery.wait(world.start("burst", TICI_REDIS_URL=url)) == 1
    finally:
        server.config_set("maxmemory-policy", "noeviction")
        server.execute_command("ACL", "DELUSER", "hosted")
