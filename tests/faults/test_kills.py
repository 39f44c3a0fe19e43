"""kill -9 at every point in turn: nothing lost, nothing twice, on both databases."""

from __future__ import annotations

from bot.platform.failpoints import POINTS
from tests.faults.kills import AFTER_MESSAGES, KILLED, ON_EVENTS, ON_MESSAGES, add_both, talk
from tests.faults.world import World


def test_every_point_is_tried() -> None:
    assert {order.split(":")[0] for order in ON_EVENTS + ON_MESSAGES} == set(POINTS)


def test_killed_at_every_point_in_turn(world: World) -> None:
    add_both(world)
    for order in ("event", "claimed", "sent", "recorded"):
        assert world.work(order) == KILLED
        world.leases_end()
    world.settle()
    talk(world)
    for order in ("pulled", "decrypted", "stored", "tagged", "moved", "planned", "completed", "cursor", "committed"):
        assert world.work(order) == KILLED, order
        world.leases_end()
    for order in ("claimed", "sent", "recorded"):
        assert world.work(order) == KILLED, order
        world.leases_end()
    world.settle()
    assert world.picture() == AFTER_MESSAGES
