"""What the archive may do to us: unknown keys, poison, a puller that was frozen and overtaken, WeCom saying no."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import select

from bot.intake import pull as pulling
from bot.intake import quarantine
from bot.intake.pipeline import process_batch
from bot.intake.pull import PAUSE_SECONDS, POISON_TRIES, TROUBLE, pull
from bot.intake.quarantine import replay_quarantine
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.database.store import get_status, take_lease
from bot.platform.models import ArchiveCursor, Message, Quarantine
from tests.faults.kills import AFTER_EVENTS, AFTER_MESSAGES, KILLED, add_both, talk
from tests.faults.world import ANNE, BEN, World, stopped
from tests.support.parts import ASK


def texts(world: World) -> list[str]:
    with world.system.store.read() as session:
        return [message.text for message in session.scalars(select(Message).order_by(Message.id))]


def held_back(world: World) -> list[Quarantine]:
    with world.system.store.read() as session:
        return list(
            session.scalars(select(Quarantine).where(Quarantine.released_at.is_(None)).order_by(Quarantine.seq))
        )


def cursor(world: World) -> ArchiveCursor:
    with world.system.store.read() as session:
        return session.scalars(select(ArchiveCursor)).one()


def test_rows_under_an_unknown_key_wait_and_are_freed_in_order_once_it_is_there(world: World) -> None:
    pull(world.system)  # the key ring is loaded; what is added later must be found as well
    world.talk((ANNE, "第一句"))
    world.control.rotate_key(withheld=True)
    world.talk((ANNE, "第二句"), (ANNE, "第三句"))
    assert pull(world.system).quarantined == 2
    assert texts(world) == ["第一句"]
    assert [row.publickey_ver for row in held_back(world)] == [2, 2]
    assert "private_key_v2.pem" in held_back(world)[0].reason
    assert cursor(world).seq == 3
    assert replay_quarantine(world.system) == (0, 2)
    world.control.publish_keys()
    world.talk((ANNE, "第四句"))
    assert pull(world.system).quarantined == 0
    assert replay_quarantine(world.system) == (2, 0)
    assert texts(world) == ["第一句", "第四句", "第二句", "第三句"]
    assert replay_quarantine(world.system) == (0, 0)


def test_a_row_that_is_no_message_is_put_aside_and_the_stream_goes_on(lite_world: World) -> None:
    world = lite_world
    world.talk((ANNE, "前"))
    for broken in ({"encrypt_random_key": "AAAA"}, {"encrypt_chat_msg": ""}, {"publickey_ver": 99}):
        world.control.post("archive/raw", {"encrypt_random_key": "", "encrypt_chat_msg": "AAAA", **broken})
    world.talk((ANNE, "后"))
    assert pull(world.system).quarantined == 3
    assert texts(world) == ["前", "后"]
    assert all(row.reason and row.sealed["msgid"] for row in held_back(world))


def test_a_row_that_kills_every_worker_is_found_and_put_aside(lite_world: World) -> None:
    """The point stands for a native library that aborts: each worker that opens this batch dies."""
    world = lite_world
    world.talk((ANNE, "毒"), (BEN, "没有毒"))
    for _ in range(2 * POISON_TRIES):
        world.leases_end()
        assert world.work("decrypted") == KILLED
    world.leases_end()
    world.settle()
    assert texts(world) == ["没有毒"]
    assert [row.seq for row in held_back(world)] == [1]
    assert replay_quarantine(world.system) == (1, 0)
    assert sorted(texts(world)) == ["毒", "没有毒"]


def test_a_row_that_fails_is_found_without_trying_all_before_it_one_by_one(
    lite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, whole, tries = lite_world, process_batch, [0]
    words = [f"好{number}" for number in range(24)]
    world.talk(*((ANNE, one) for one in [*words[:14], "坏", *words[14:]]))

    def failing(work: Any, arrived: Any) -> Any:
        tries[0] += 1
        if any(row.message.content == "坏" for row in arrived):
            raise ValueError("cannot be handled")
        return whole(work, arrived)

    monkeypatch.setattr(pulling, "process_batch", failing)
    while not held_back(world):
        with suppress(ValueError):
            pull(world.system)
    assert tries[0] < 30
    pull(world.system)
    assert texts(world) == words


def test_a_row_whose_handling_fails_stops_neither_the_others_nor_the_replay(
    lite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = lite_world
    world.control.rotate_key(withheld=True)
    world.talk((ANNE, "坏"), (BEN, "好"))
    pull(world.system)
    world.control.publish_keys()
    whole = process_batch

    def failing(work: Any, arrived: Any) -> Any:
        if arrived[0].message.content == "坏":
            raise ValueError("cannot be handled")
        return whole(work, arrived)

    monkeypatch.setattr(quarantine, "process_batch", failing)
    assert replay_quarantine(world.system) == (1, 1)
    assert held_back(world)[0].reason == "ValueError: cannot be handled"
    assert texts(world) == ["好"]


def test_a_frozen_puller_that_was_overtaken_changes_nothing(world: World) -> None:
    add_both(world)
    world.settle()
    talk(world)
    world.queue.enqueue_once("pull", seconds=1)
    frozen = world.start("burst", "decrypted:1:freeze")
    world.until(lambda: stopped(frozen))
    world.leases_end()
    world.redis_lost()
    world.settle()
    os.kill(frozen, signal.SIGCONT)
    assert world.nursery.wait(frozen) == 0
    assert "pull overtaken" in world.log("burst")
    world.settle()
    assert world.picture() == AFTER_MESSAGES


def test_only_one_pulls_at_a_time(world: World) -> None:
    world.talk((ANNE, ASK))
    name = f"pull:{world.system.environment.needs_wecom().corp_id}"
    with world.system.store.write() as session:
        assert take_lease(session, name, "somebody else", 60) is not None
    assert pull(world.system).busy
    assert texts(world) == []
    world.leases_end()
    assert pull(world.system).rows == 1


@pytest.mark.parametrize(
    ("errcode", "pauses", "rests"),
    [(40001, True, PAUSE_SECONDS), (301042, True, PAUSE_SECONDS), (-1, False, 0), (45009, False, 60)],
)
def test_an_archive_that_refuses_is_reported_and_asked_again_only_where_that_may_help(
    lite_world: World, errcode: int, pauses: bool, rests: int
) -> None:
    world = lite_world
    world.talk((ANNE, ASK))
    world.control.fault("message/getchatdata", errcode=errcode)
    assert pull(world.system).rows == 0
    with world.system.store.read() as session:
        trouble = get_status(session, TROUBLE)
    assert trouble is not None
    assert trouble.value["errcode"] == errcode
    assert any(
        line.level == "bad" and "上次没有读成" in line.value for line in system_status(world.system, clock.now())
    )
    assert pull(world.system).busy is pauses
    if rests:
        assert texts(world) == []
        world.control.move_clock(rests + 1)
        assert pull(world.system).rows == 1
    assert texts(world) == [ASK]
    assert not any("上次没有读成" in line.value for line in system_status(world.system, clock.now()))


def test_a_wrong_secret_does_not_get_the_address_banned(lite_world: World) -> None:
    world = lite_world
    world.control.fault("gettoken", times=-1, errcode=40001)
    before = len(world.control.effects(0, "api"))
    for _ in range(20):
        pull(world.system)
    assert len(world.control.effects(0, "api")) - before == 1


def test_messages_pulled_before_the_event_lose_nobody(lite_world: World) -> None:
    """The archive may be quicker than the callback; the board knows the customer either way."""
    world = lite_world
    add_both(world)
    talk(world)
    pull(world.system)
    world.settle()
    picture = world.picture()
    assert picture["welcomed"] == AFTER_EVENTS["welcomed"]
    assert picture["marks"] == AFTER_MESSAGES["marks"]
    assert picture["moves"] == AFTER_MESSAGES["moves"]


def test_news_that_come_while_another_has_just_read_the_end_are_not_left_lying(lite_world: World) -> None:
    """Two workers, no scheduler: the second finds the first at work, though it has read the last row already."""
    world = lite_world
    world.talk((ANNE, "第一句"))
    world.queue.enqueue_once("pull")
    first = world.start("burst", "pulled:1:freeze")
    world.until(lambda: stopped(first))
    world.talk((ANNE, "第二句"))
    world.queue.enqueue_once("pull")
    assert world.nursery.wait(world.start("burst")) == 0
    os.kill(first, signal.SIGCONT)
    assert world.nursery.wait(first) == 0
    assert texts(world) == ["第一句", "第二句"]
