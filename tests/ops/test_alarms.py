"""Alarms: raised, told to each admin once a day while they last, cleared."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.platform import clock
from bot.platform.database.alarms import alarms, clear_alarm, raise_alarm
from bot.platform.database.store import Store
from bot.platform.models import Outbox
from bot.system import System, use_system
from bot.worker import timed_work
from tests.support.engine import local, send_all
from tests.support.parts import AGENT, CONFIG, Town

NAME = "wecom.app"


@pytest.fixture
def _told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(f'[alarms]\nagents = ["{AGENT}"]\n{CONFIG}', encoding="utf-8")


def raised(store: Store, text: str, now: datetime) -> None:
    with store.write() as session:
        raise_alarm(session, NAME, text, now)


def names(store: Store) -> list[tuple[str, int]]:
    with store.read() as session:
        return [(alarm.text, alarm.times) for alarm in alarms(session)]


def test_an_alarm_lasts_until_it_is_cleared_and_may_come_again(store: Store) -> None:
    now = local("2026-01-05 10:00")
    raised(store, "Secret 不对", now)
    raised(store, "Secret 还是不对", now + timedelta(minutes=1))
    assert names(store) == [("Secret 还是不对", 2)]
    with store.write() as session:
        assert clear_alarm(session, NAME, now)
        assert not clear_alarm(session, NAME, now)
    assert names(store) == []
    raised(store, "又不对了", now + timedelta(hours=1))
    assert names(store) == [("又不对了", 1)]


def texts(town: Town) -> list[str]:
    found = [effect for effect in town.control.effects(0, "message") if effect["msgtype"] == "text"]
    assert all(effect["userid"] == AGENT for effect in found)
    return [effect["text"]["content"].splitlines()[0] for effect in found]


def a_round(system: System) -> None:
    use_system(system)
    timed_work.watch_sends(system)
    send_all(system)


@pytest.mark.usefixtures("_told")
def test_an_admin_is_told_once_a_day_as_long_as_it_lasts(system: System, sandbox: Town) -> None:
    raised(system.store, "Secret 不对", clock.now())
    for _ in range(3):
        a_round(system)
    assert texts(sandbox) == ["⚠️ Secret 不对"]
    sandbox.control.move_clock(24 * 3600)
    a_round(system)
    a_round(system)
    assert texts(sandbox) == ["⚠️ Secret 不对"] * 2
    with system.store.write() as session:
        clear_alarm(session, NAME, clock.now())
    sandbox.control.move_clock(24 * 3600)
    a_round(system)
    assert len(texts(sandbox)) == 2


@pytest.mark.usefixtures("_told")
def test_an_alarm_that_ended_before_it_could_be_told_is_not_told(system: System, sandbox: Town) -> None:
    use_system(system)
    raised(system.store, "Secret 不对", clock.now())
    timed_work.watch_sends(system)
    with system.store.write() as session:
        clear_alarm(session, NAME, clock.now())
    send_all(system)
    assert texts(sandbox) == []
    with system.store.read() as session:
        assert session.scalars(select(Outbox.state).where(Outbox.kind == "alarm")).all() == ["cancelled"]


def test_without_admins_nobody_is_told(system: System, sandbox: Town) -> None:
    raised(system.store, "Secret 不对", clock.now())
    a_round(system)
    assert texts(sandbox) == []
