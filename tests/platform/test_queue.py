"""The job queue: a job waits once however often it is enqueued, and a missing Redis is no error."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
import redis

from bot.platform.queue import JobQueue, connect_redis

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def queue(valkey: str) -> JobQueue:
    return JobQueue(connect_redis(valkey))


def test_a_waiting_job_is_not_enqueued_again_until_it_began(queue: JobQueue) -> None:
    assert [queue.enqueue_once("pull") for _ in range(5)] == [True, False, False, False, False]
    assert queue.depth() == {"high": 0, "default": 1, "low": 0}
    queue.begin("pull")
    assert queue.enqueue_once("pull")
    assert queue.depth()["default"] == 2


def test_a_lost_job_can_be_enqueued_again_soon(queue: JobQueue) -> None:
    queue.enqueue_once("pull", seconds=1)
    queue.connection.delete("rq:queue:default")
    ends = time.monotonic() + 30
    while not queue.enqueue_once("pull", seconds=1):
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert queue.depth()["default"] == 1


def test_events_come_before_the_rest(queue: JobQueue) -> None:
    queue.enqueue_once("timers")
    queue.enqueue_for("deliver", [1, 2])
    queue.enqueue_once("handle_events")
    assert queue.depth() == {"high": 1, "default": 2, "low": 1}


def test_rows_whose_job_waits_are_not_enqueued_again(queue: JobQueue) -> None:
    queue.enqueue_for("deliver", [1, 22])
    queue.enqueue_once("pull")
    assert queue.enqueue_missing("deliver", [1, 2, 22])
    assert queue.depth()["default"] == 4, "2 is not 22"
    queue.connection.flushall()
    assert queue.enqueue_missing("deliver", [1, 2, 22])
    assert queue.depth()["default"] == 3, "lost calls come back"


def test_a_rerun_is_requested_once(queue: JobQueue) -> None:
    assert not queue.rerun_requested("pull")
    queue.request_rerun("pull")
    assert queue.rerun_requested("pull")
    assert not queue.rerun_requested("pull")


def test_without_redis_nothing_is_enqueued_and_nobody_waits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call connects twice at most and never sleeps in between."""
    connects: list[object] = []
    connect, sleep = socket.socket.connect, time.sleep
    sleeps: list[float] = []

    def counted_connect(one: socket.socket, address: Any) -> None:
        connects.append(address)
        connect(one, address)

    def counted_sleep(seconds: float) -> None:
        sleeps.append(seconds)
        sleep(seconds)

    monkeypatch.setattr(socket.socket, "connect", counted_connect)
    monkeypatch.setattr(time, "sleep", counted_sleep)
    queue = JobQueue(connect_redis(NOWHERE))
    assert not queue.enqueue_once("pull")
    assert not queue.enqueue_for("deliver", [1])
    assert not queue.enqueue_missing("deliver", [1])
    assert not queue.rerun_requested("pull")
    queue.begin("pull")
    queue.request_rerun("pull")
    assert 0 < len(connects) <= 2 * 6
    assert sleeps == []
    with pytest.raises(redis.ConnectionError):
        queue.depth()
    assert capsys.readouterr() is not None
