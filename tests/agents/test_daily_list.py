"""The list of the day: on working mornings, one for each agent who has something to do."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.agents.daily_list import SendDayList
from bot.agents.overdue import nudge_overdue
from bot.delivery.handler import NotNeededError
from bot.platform.database.store import Store
from bot.platform.models import Outbox, SopTask, Status
from bot.platform.work import Work
from bot.sops.prompts import prompt_due
from tests.support.engine import Engine, engine, local
from tests.support.prompted import CONFIG, prompted, put
from tests.support.site import open_site


@pytest.mark.parametrize(
    ("when", "lists"),
    [
        pytest.param("2026-05-12T08:59", 0, id="not yet"),
        pytest.param("2026-05-12T09:00", 1, id="in time"),
        pytest.param("2026-05-12T12:59", 1, id="after an outage"),
        pytest.param("2026-05-12T13:00", 0, id="no morning any more"),
        pytest.param("2026-05-16T09:00", 0, id="on a Saturday"),
        pytest.param("2026-05-01T09:00", 0, id="on a holiday"),
        pytest.param("2026-05-09T09:00", 1, id="on a Saturday that is worked"),
    ],
)
def test_the_list_comes_on_working_mornings(store: Store, when: str, lists: int) -> None:
    world = engine(store, CONFIG, "2026-04-28T15:00")
    prompted(world)
    world.now = local(when)
    assert put(world) == lists
    assert put(world) == 0


def test_each_day_and_agent_has_one_list_and_who_has_nothing_none(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T15:00")
    prompted(world)
    world.agent("ZhouMin")
    days = []
    for day in (13, 13, 14):
        world.now = local(f"2026-05-{day}T09:00")
        days.append(put(world))
    assert days == [1, 0, 1]
    assert [row.key.rpartition(":")[2] for row in world.outbox("day_list")] == ["2026-05-13", "2026-05-14"]
    with store.write() as session:
        session.query(Status).delete()  # even if what was remembered is lost, the key keeps it single
        session.query(SopTask).update({"state": "completed"})
    world.now = local("2026-05-15T09:00")
    assert put(world) == 0


def test_a_card_and_the_list_do_not_come_within_the_same_minute(store: Store) -> None:
    world = engine(store, CONFIG.replace('at = "10:00"', 'at = "09:00"'), "2026-05-12T15:00")
    prompted(world)
    world.now = local("2026-05-13T09:00")
    with store.write() as session:
        prompt_due(Work(session, world.settings, world.now))
    assert put(world) == 1
    card, day = world.outbox("card")[-1], world.outbox("day_list")[0]
    assert card.created_at == world.now
    assert day.not_before - card.created_at >= timedelta(minutes=2)


@pytest.mark.parametrize(("gap", "named", "cards"), [("0m", 0, 1), ("10m", 1, 0)])
def test_a_task_whose_card_comes_with_the_list_is_told_once(tmp_path: Path, gap: str, named: int, cards: int) -> None:
    """Where cards keep no distance of their own, the list leaves out what comes by itself within minutes."""
    head = f'[budget]\nagent_gap = "{gap}"\n\n' + CONFIG.lstrip()
    with open_site(tmp_path, config=head.replace('at = "10:00"', 'at = "09:00"')) as site:
        world = Engine(site.store, site.system.settings, local("2026-05-12T15:00"))
        first = prompted(world)
        world.change(first, state="completed")
        world.now = local("2026-05-13T09:00")
        assert put(world) == 1
        world.later(seconds=1)
        with site.store.write() as session:
            work = Work(session, site.system.settings, world.now)
            prompt_due(work)
            session.flush()
            row = session.scalars(select(Outbox).where(Outbox.kind == "day_list")).one()
            with nullcontext() if named else pytest.raises(NotNeededError):
                assert "陈静" in str(SendDayList().prepare(work, site.system, row)["card"])
        assert len([row for row in world.outbox("card") if row.task_id != first]) == cards


def test_a_reminder_keeps_its_distance_from_the_list_that_names_its_task(store: Store) -> None:
    world = engine(store, CONFIG.replace('leader_after = "5h"', 'leader_after = "0m"'), "2026-05-12T20:30")
    prompted(world)
    world.now = local("2026-05-13T09:00")
    assert put(world) == 1
    reminders = []
    for _ in range(2):
        with store.write() as session:
            nudge_overdue(Work(session, world.settings, world.now))
        reminders.append(len(world.outbox("nudge")))
        world.later(minutes=30)
    assert reminders == [0, 1]
