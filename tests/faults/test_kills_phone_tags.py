"""kill -9 around the calls that keep tags on the phones: in the end these show what is carried, by no hand."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select

from bot.platform.models import Outbox, Tagging
from tests.chaos.talks import CHAOS_CONFIG
from tests.faults.kills import AFTER_MESSAGES, add_both, killed_then_finished, talk
from tests.faults.world import World

# Of each customer leave, after the talk: marks of the stage, of two groups (first their tags are made), a card.
POINTS = [f"{point}:{n}" for point in ("claimed", "sent", "recorded") for n in (1, 2, 3, 4, 6)]


@pytest.mark.parametrize("fail_at", POINTS)
def test_killed_while_the_phones_are_marked(world: World, fail_at: str) -> None:
    (world.folder / "config.toml").write_text(CHAOS_CONFIG, encoding="utf-8")
    add_both(world)
    world.settle()
    talk(world)
    killed_then_finished(world, fail_at)
    picture = world.picture()
    assert Counter(picture.pop("marks")) == Counter(
        {("anne", "考虑价格"): 2, ("ben", "考虑价格"): 2, ("ben", "已回复"): 1}
    )
    picture.pop("outbox")
    assert picture == {key: value for key, value in AFTER_MESSAGES.items() if key not in ("marks", "outbox")}
    with world.system.store.read() as session:
        assert set(session.scalars(select(Outbox.state).where(Outbox.kind == "mark_tag"))) <= {"sent", "cancelled"}
        assert not session.scalars(select(Tagging).where(Tagging.by == "wecom")).all()
