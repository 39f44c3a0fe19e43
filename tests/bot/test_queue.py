"""The bell: one call waits however often it is rung, and a Redis that is away is no error."""

from __future__ import annotations

import socket
import time

import pytest
import redis

from bot.queue import Bell, connect_redis

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def bell(valkey: str) -> Bell:
    return Bell(connect_redis(valkey))


def test_ringing_again_adds_no_call_until_it_was_answered(bell: Bell) -> None:
    assert [bell.ring_once("pull") for _ in range(5)] == [True, False, False, False, False]
    assert bell.depth() == {"high": 0, "default": 1, "low": 0}
    bell.answer("pull")
    assert bell.ring_once("pull")
    assert bell.depth()["default"] == 2


def test_a_call_that_was_lost_can_be_made_again_soon(bell: Bell) -> None:
    bell.ring_once("pull", seconds=1)
    bell.connection.delete("rq:queue:default")
    ends = time.monotonic() + 30
    while not bell.ring_once("pull", seconds=1):
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert bell.depth()["default"] == 1


def test_events_come_before_the_rest(bell: Bell) -> None:
    bell.ring_once("timers")
    bell.ring_for("deliver", [1, 2])
    bell.ring_once("handle_events")
    assert bell.depth() == {"high": 1, "default": 2, "low": 1}


def test_rows_that_a_call_waits_for_are_not_rung_for_again(bell: Bell) -> None:
    bell.ring_for("deliver", [1, 22])
    bell.ring_once("pull")
    assert bell.ring_for_unrung("deliver", [1, 2, 22])
    assert bell.depth()["default"] == 4, "2 is not 22"
    bell.connection.flushall()
    assert bell.ring_for_unrung("deliver", [1, 2, 22])
    assert bell.depth()["default"] == 3, "lost calls come back"


def test_a_word_is_left_once(bell: Bell) -> None:
    assert not bell.word_left("pull")
    bell.leave_word("pull")
    assert bell.word_left("pull")
    assert not bell.word_left("pull")


def test_without_redis_nothing_is_rung_and_nobody_waits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call knocks twice at most and rests in between for no moment."""
    knocks: list[object] = []
    knock, rest = socket.socket.connect, time.sleep
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: (knocks.append(address), knock(self, address)))
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: (rests.append(seconds), rest(seconds)))
    bell = Bell(connect_redis(NOWHERE))
    assert not bell.ring_once("pull")
    assert not bell.ring_for("deliver", [1])
    assert not bell.ring_for_unrung("deliver", [1])
    assert not bell.word_left("pull")
    bell.answer("pull")
    bell.leave_word("pull")
    assert 0 < len(knocks) <= 2 * 6
    assert rests == []
    with pytest.raises(redis.ConnectionError):
        bell.depth()
    assert capsys.readouterr() is not None
