"""WeCom failing in every way it has: the right wait, the right end, and never a card shown twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.delivery.outbox import GIVE_UP_AFTER
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.models import Outbox, SopTask
from bot.worker import handlers, jobs
from tests.faults.world import ANNE, BEN, World
from tests.support.parts import AGENT


def rows(world: World, kind: str = "card") -> list[Outbox]:
    with world.system.store.read() as session:
        return list(session.scalars(select(Outbox).where(Outbox.kind == kind).order_by(Outbox.id)))


def task(world: World) -> SopTask:
    with world.system.store.read() as session:
        return session.scalars(select(SopTask).order_by(SopTask.id)).first() or SopTask()


def a_card_waits(world: World, *people: str) -> Outbox:
    """Everything else has left; the card of the first task is still to be sent."""
    for who in people or (ANNE,):
        world.add(who)
    jobs.handle_events()
    for kind in ("profile", "welcome", "mark_tag"):
        for row in rows(world, kind):
            assert handlers.deliver(world.system, row.id) == "sent"
    return rows(world)[0]


def try_again(world: World, row: Outbox) -> str | None:
    """When its hour has come."""
    current = next(r for r in rows(world, row.kind) if r.id == row.id)
    wait = (current.not_before - clock.now()).total_seconds()
    if wait > 0:
        world.control.move_clock(wait + 0.01)
    return handlers.deliver(world.system, row.id)


def calls(world: World, path: str) -> int:
    return sum(effect["path"] == path for effect in world.control.effects(0, "api"))


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502, "text": "<html>Bad Gateway</html>"},
        {"text": "not JSON"},
        {"errcode": -1},
        {"errcode": 45033},
        {"errcode": 99999},
        {"status": 500, "after": True},
        {"text": "the answer was lost", "after": True},
    ],
)
def test_a_failure_that_passes_is_waited_out_and_the_card_shown_once(
    lite_world: World, fault: dict[str, Any]
) -> None:
    world = lite_world
    row = a_card_waits(world)
    world.control.fault("message/send", times=2, **fault)
    assert handlers.deliver(world.system, row.id) == "waiting"
    assert handlers.deliver(world.system, row.id) is None, "not before its time"
    assert try_again(world, row) == "waiting"
    assert try_again(world, row) == "sent"
    assert len(world.cards()) == 1
    assert task(world).state == "delivered"


def test_busy_is_tried_three_times_at_most(lite_world: World) -> None:
    world = lite_world
    row = a_card_waits(world)
    world.control.fault("message/send", times=-1, errcode=-1)
    assert [handlers.deliver(world.system, row.id), try_again(world, row), try_again(world, row)] == [
        "waiting", "waiting", "failed",
    ]  # fmt: skip
    assert task(world).state == "failed"
    assert "-1" in (task(world).ended_because or "")


def test_an_outage_of_hours_loses_nothing(lite_world: World) -> None:
    world = lite_world
    row = a_card_waits(world)
    world.control.fault("message/send", times=-1, errcode=45033)
    begun = clock.now()
    while clock.now() - begun < timedelta(hours=6):
        assert try_again(world, row) == "waiting"
    world.control.clear_faults()
    assert try_again(world, row) == "sent"
    assert len(world.cards()) == 1


def test_a_send_given_up_of_which_nobody_knows_is_not_called_failed(lite_world: World) -> None:
    """The clock steps by a day while the call is under way, and its answer is lost."""
    world = lite_world
    row = a_card_waits(world)
    with world.system.store.write() as session:
        session.get_one(Outbox, row.id).created_at = clock.now() - GIVE_UP_AFTER - timedelta(minutes=1)
    world.control.fault("message/send", status=500, after=True)
    assert handlers.deliver(world.system, row.id) == "unknown"
    assert task(world).state == "unknown"
    assert len(world.cards()) == 1


def test_a_send_that_may_have_arrived_is_not_repeated_once_wecom_cannot_tell(lite_world: World) -> None:
    world = lite_world
    row = a_card_waits(world)
    world.control.fault("message/send", status=500, after=True)
    assert handlers.deliver(world.system, row.id) == "waiting"
    world.control.move_clock(4 * 3600 + 60)
    assert handlers.deliver(world.system, row.id) == "unknown"
    assert task(world).state == "unknown"
    assert len(world.cards()) == 1


def test_a_limit_holds_back_its_own_kind_of_call_only(lite_world: World) -> None:
    world = lite_world
    first = a_card_waits(world, ANNE, BEN)
    world.control.fault("message/send", errcode=45009)
    assert handlers.deliver(world.system, first.id) == "waiting"
    sent = calls(world, "message/send")
    second = rows(world)[1]
    assert handlers.deliver(world.system, second.id) is None
    assert calls(world, "message/send") == sent, "the other card is not even tried"
    with world.system.store.write() as session:
        now = clock.now()
        profile = Outbox(key="again", kind="profile", payload={}, created_at=now, not_before=now)
        profile.customer_id = first.customer_id
        session.add(profile)
        session.flush()
        profile_id = profile.id
    assert handlers.deliver(world.system, profile_id) == "sent", "other calls go on"
    assert try_again(world, first) == "sent"
    assert try_again(world, second) == "sent"
    assert len(world.cards()) == 2


@pytest.mark.parametrize("errcode", [42001, 40014])
def test_a_dead_token_is_renewed_once_within_the_same_try(lite_world: World, errcode: int) -> None:
    world = lite_world
    row = a_card_waits(world)
    before = calls(world, "gettoken")
    world.control.fault("message/send", errcode=errcode)
    assert handlers.deliver(world.system, row.id) == "sent"
    assert calls(world, "gettoken") - before <= 1
    assert len(world.cards()) == 1


@pytest.mark.parametrize("errcode", [40001, 60020, 48002])
def test_what_a_person_must_mend_pauses_all_calls_and_raises_the_alarm(lite_world: World, errcode: int) -> None:
    world = lite_world
    row = a_card_waits(world, ANNE, BEN)
    world.control.fault("message/send", errcode=errcode)
    assert handlers.deliver(world.system, row.id) == "waiting"
    before = len(world.control.effects(0, "api"))
    assert handlers.deliver(world.system, rows(world)[1].id) is None
    assert handlers.deliver(world.system, row.id) is None
    assert len(world.control.effects(0, "api")) == before, "nothing is called meanwhile"
    alarm = [line for line in system_status(world.system, clock.now()) if line.what == "企业微信调用"]
    assert [(line.level, str(errcode) in line.advice) for line in alarm] == [("bad", True)]
    assert try_again(world, row) == "sent"
    assert try_again(world, rows(world)[1]) == "sent"
    assert not [line for line in system_status(world.system, clock.now()) if line.what == "企业微信调用"]
    assert len(world.cards()) == 2


@pytest.mark.parametrize(("change", "why"), [({"active": 0}, "接收人"), ({"licensed": 0}, "接口许可")])
def test_errcode_0_does_not_mean_that_the_agent_got_it(lite_world: World, change: dict[str, int], why: str) -> None:
    world = lite_world
    row = a_card_waits(world)
    world.control.post("members", {"userid": AGENT, **change})
    assert handlers.deliver(world.system, row.id) == "failed"
    assert task(world).state == "failed"
    assert why in (task(world).ended_because or "")
    assert world.cards() == []


def test_a_welcome_of_which_nobody_knows_ends_unknown_when_its_time_is_over(lite_world: World) -> None:
    world = lite_world
    world.add(ANNE)
    jobs.handle_events()
    row = rows(world, "welcome")[0]
    world.control.fault("externalcontact/send_welcome_msg", status=500, after=True)
    assert handlers.deliver(world.system, row.id) == "waiting"
    world.control.move_clock(30)
    assert handlers.deliver(world.system, row.id) == "unknown"
    assert world.picture()["welcomed"] == ["anne"]


def test_a_welcome_is_given_up_after_twenty_seconds(lite_world: World) -> None:
    world = lite_world
    world.add(ANNE)
    jobs.handle_events()
    world.control.move_clock(30)
    assert handlers.deliver(world.system, rows(world, "welcome")[0].id) == "failed"
    assert calls(world, "externalcontact/send_welcome_msg") == 0


def test_a_second_try_that_finds_the_welcome_sent_is_content(lite_world: World) -> None:
    world = lite_world
    world.add(ANNE)
    jobs.handle_events()
    row = rows(world, "welcome")[0]
    world.control.fault("externalcontact/send_welcome_msg", status=500, after=True)
    assert handlers.deliver(world.system, row.id) == "waiting"
    assert try_again(world, row) == "sent"
    assert world.picture()["welcomed"] == ["anne"]


def test_a_tag_deleted_in_wecom_is_made_anew(lite_world: World) -> None:
    world = lite_world
    a_card_waits(world)
    world.control.fault("externalcontact/mark_tag", errcode=40068)
    world.talk((ANNE, "请问多少钱"))
    world.settle()
    assert ("anne", "考虑价格") in world.picture()["marks"]
