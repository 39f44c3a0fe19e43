"""kill -9 between every two steps of a message: nothing lost, nothing twice, on both databases, Redis emptied."""

from __future__ import annotations

import pytest

from tests.faults.kills import AFTER_MESSAGES, ON_MESSAGES, add_both, killed_then_finished, talk
from tests.faults.world import World


@pytest.mark.parametrize("fail_at", ON_MESSAGES)
def test_killed_while_messages_are_worked_off(world: World, fail_at: str) -> None:
    add_both(world)
    world.settle()
    talk(world)
    killed_then_finished(world, fail_at)
    assert world.picture() == AFTER_MESSAGES
