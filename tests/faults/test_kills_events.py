"""kill -9 between every two steps of an event: nothing lost, nothing twice, on both databases, Redis emptied."""

from __future__ import annotations

import pytest

from tests.faults.kills import AFTER_EVENTS, ON_EVENTS, add_both, killed_then_finished
from tests.faults.world import World


@pytest.mark.parametrize("fail_at", ON_EVENTS)
def test_killed_while_an_event_is_worked_off(world: World, fail_at: str) -> None:
    add_both(world)
    killed_then_finished(world, fail_at)
    assert world.picture() == AFTER_EVENTS
