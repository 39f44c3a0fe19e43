"""The queue: one call waits however often it is rung, and a Redis that is away is no error."""

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


def test_ringing_again_adds_no_call_until_it_was_answered(queue: JobQueue) -> None:
    assert [queue.enqueue_once("pull") for _ in range(5)] == [True, False, False, False, False]
    assert queue.depth() == {"high": 0, "default": 1, "low": 0}
    queue.begin("pull")
    assert queue.enqueue_once("pull")
    assert queue.depth()["default"] == 2


def test_a_call_that_was_lost_can_be_made_again_soon(queue: JobQueue) -> None:
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


def test_rows_that_a_call_waits_for_are_not_rung_for_again(queue: JobQueue) -> None:
    queue.enqueue_for("deliver", [1, 22])
    queue.enqueue_once("pull")
    assert queue.enqueue_missing("deliver", [1, 2, 22])
    assert queue.depth()["default"] == 4, "2 is not 22"
    queue.connection.flushall()
    assert queue.enqueue_missing("deliver", [1, 2, 22])
    assert queue.depth()["default"] == 3, "lost calls come back"


def test_a_word_is_left_once(queue: JobQueue) -> None:
    assert not queue.rerun_requested("pull")
    queue.request_rerun("pull")
    assert queue.rerun_requested("pull")
    assert not queue.rerun_requested("pull")


def test_without_redis_nothing_is_rung_and_nobody_waits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call knocks twice at most and rests in between for no moment."""
    knocks: list[object] = []
    knock, rest = socket.socket.connect, time.sleep
    rests: list[float] = []

    def counted_knock(one: socket.socket, address: Any) -> None:
        knocks.append(address)
        knock(one, address)

    def counted_rest(seconds: float) -> None:
        rests.append(seconds)
        rest(seconds)

    monkeypatch.setattr(socket.socket, "connect", counted_knock)
    monkeypatch.setattr(time, "sleep", counted_rest)
    queue = JobQueue(connect_redis(NOWHERE))
    assert not queue.enqueue_once("pull")
    assert not queue.enqueue_for("deliver", [1])
    assert not queue.enqueue_missing("deliver", [1])
    assert not queue.rerun_requested("pull")
    queue.begin("pull")
    queue.request_rerun("pull")
    assert 0 < len(knocks) <= 2 * 6
    assert rests == []
    with pytest.raises(redis.ConnectionError):
        queue.depth()
    assert capsys.readouterr() is not None
