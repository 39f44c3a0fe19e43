"""Callbacks that come twice, late, in another order or never."""

from __future__ import annotations

from bot.platform.models import CallbackEvent, Follow
from tests.faults.kills import AFTER_EVENTS, AFTER_MESSAGES, talk
from tests.faults.world import ANNE, BEN, NAMES, World
from tests.support.parts import AGENT


def add_all(world: World) -> None:
    for who in (ANNE, BEN):
        world.control.add_customer(AGENT, NAMES[who], external_userid=who)


def delivered(world: World) -> bool:
    return bool(world.control.state()["callbacks"].get("waiting", 0) == 0)


def test_copies_change_nothing(world: World) -> None:
    world.control.switches(duplicate_callbacks=5)
    add_all(world)
    world.until(lambda: delivered(world))
    world.settle()
    assert world.count(CallbackEvent) == 2
    assert world.picture() == AFTER_EVENTS


def test_any_order_will_do(world: World) -> None:
    world.control.switches(reorder_callbacks=2)
    add_all(world)
    world.until(lambda: world.count(CallbackEvent) == 2)
    world.settle()
    assert world.picture() == AFTER_EVENTS


def test_a_callback_of_the_past_changes_nothing(lite_world: World) -> None:
    """A customer who left stays away though the event of their coming is sent again."""
    world = lite_world
    add_all(world)
    world.until(lambda: world.count(CallbackEvent) == 2)
    world.settle()
    world.control.part(AGENT, ANNE, by="customer")
    world.until(lambda: world.count(CallbackEvent) == 3)
    world.settle()
    for number in (1, 2):
        world.control.post("repeat-callback", {"callback": number, "copies": 3})
    world.until(lambda: delivered(world))
    world.settle()
    assert world.count(CallbackEvent) == 3
    with world.system.store.read() as session:
        ended = [follow.ended_by for follow in session.query(Follow).order_by(Follow.id)]
    assert sorted(map(str, ended)) == ["None", "customer"]
    assert world.picture()["welcomed"] == ["anne", "ben"]


def test_without_any_callback_the_archive_brings_the_customers(world: World) -> None:
    """Delivery of callbacks is not guaranteed: who talks is a contact, and is put on the board."""
    world.control.switches(lose_callbacks=-1)
    add_all(world)
    talk(world)
    world.settle()
    picture = world.picture()
    assert picture["welcomed"] == []
    for name in ("evidence", "tags", "moves", "marks", "follows", "named"):
        assert picture[name] == AFTER_MESSAGES[name], name
