"""The clock steps by minutes or a day, forward and back: no step of an SOP twice, none skipped, no lease broken."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot.ops.consistency import audit
from bot.platform import clock
from bot.platform.database.store import take_lease
from bot.platform.models import SopTask
from tests.faults.kills import AFTER_MESSAGES, add_both, talk
from tests.faults.starving import shift_clock
from tests.faults.world import World

DAY = 86_400.0
LONG = 60.0


def step(world: World, seconds: float) -> None:
    shift_clock(world.folder / "clock", seconds)


def states(world: World) -> list[tuple[str, int, str]]:
    return [(who, number, state) for who, sop, number, state in world.picture()["tasks"] if sop == "price"]


def test_steps_of_minutes_and_of_a_day(world: World) -> None:
    """Everything runs; a card planned for tomorrow comes when tomorrow comes, once, however the clock jumps about."""
    world.start("worker")
    world.start("scheduler")
    add_both(world)
    world.until(lambda: not world.left(), LONG)
    for seconds in (300.0, -300.0, -300.0, 300.0):
        step(world, seconds)
    talk(world)
    world.until(lambda: world.picture() == AFTER_MESSAGES, LONG)
    for seconds in (-DAY, 300, DAY - 300):
        step(world, seconds)
    assert states(world) == [("anne", 0, "delivered"), ("anne", 1, "planned"), ("ben", 0, "replied"),
                             ("ben", 1, "cancelled")]  # fmt: skip
    step(world, DAY + 60)
    world.until(lambda: states(world)[1] == ("anne", 1, "delivered"), LONG)
    for seconds in (-DAY, DAY, -300.0, 300.0):
        step(world, seconds)
    world.until(lambda: not world.left(), LONG)
    cards = [card["quote_area"]["quote_text"][:4] for card in world.cards() if "quote_area" in card]
    assert sorted(cards) == ["打个招呼", "打个招呼", "第二天再", "课程分三"]
    assert audit(world.system.store, clock.now(), running=False) == []


def test_a_day_set_back_keeps_what_was_planned_for_its_own_time(lite_world: World) -> None:
    world = lite_world
    add_both(world)
    world.settle()
    talk(world)
    world.settle()
    with world.system.store.read() as session:
        due = session.scalars(select(SopTask.due_at).where(SopTask.state == "planned")).one()
    step(world, -DAY)
    world.settle()
    assert states(world)[1] == ("anne", 1, "planned")
    step(world, DAY + (due - clock.now() - timedelta(days=1)).total_seconds() + 1)
    world.settle()
    assert states(world)[1] == ("anne", 1, "delivered")


def test_leases_go_by_the_databases_clock(world: World) -> None:
    """A machine whose clock is a day ahead takes nobody's lease away, and one that is behind keeps none too long."""
    store = world.system.store
    with store.write() as session:
        assert take_lease(session, "thing", "mine", 60) is not None
    for seconds in (DAY, -2 * DAY):
        step(world, seconds)
        with store.write() as session:
            assert take_lease(session, "thing", "another's", 60) is None
    with store.write() as session:
        assert take_lease(session, "thing", "mine", 0) is not None
    with store.write() as session:
        assert take_lease(session, "thing", "another's", 60) is not None
