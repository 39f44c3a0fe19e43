"""How far behind the archive we are is known and told; what it threw away before it was read is written down."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.intake.archive_lag import CursorPosition, archive_lag, gaps, note_gap, watch_lag
from bot.intake.pull import pull
from bot.ops.status import system_status
from bot.platform import clock
from bot.platform.database.alarms import alarms
from bot.platform.database.store import Store, set_status
from bot.platform.models import ArchiveCursor
from bot.system import System
from tests.support.archived import NOW, Archived
from tests.support.parts import AGENT, Town

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def stand(store: Store, seq: int, pulled: datetime, end: datetime | None) -> None:
    """The cursor, and whether (and when) the archive was read to its end there."""
    with store.write() as session:
        session.merge(ArchiveCursor(corp_id="ww1", seq=seq, attempts=0, pulled_at=pulled))
        if end is not None:
            set_status(session, "caught_up", {"seq": seq if end == pulled else seq - 1}, end)


def lag(store: Store, now: datetime) -> timedelta | None:
    with store.read() as session:
        return archive_lag(session, now)


def watch(store: Store, now: datetime) -> list[str]:
    with store.write() as session:
        watch_lag(session, now)
    with store.read() as session:
        return [alarm.name for alarm in alarms(session)]


def test_the_lag(store: Store) -> None:
    assert lag(store, NOW) is None
    stand(store, 5, NOW, NOW)
    assert lag(store, NOW + HOUR) == HOUR
    Archived(store).say("你好")  # at NOW
    stand(store, 6, NOW + 3 * HOUR, NOW - DAY)  # more is to come, long after the end was last seen
    assert lag(store, NOW + 3 * HOUR) == 3 * HOUR
    stand(store, 6, NOW + 3 * HOUR, NOW + 2 * HOUR)
    assert lag(store, NOW + 3 * HOUR) == HOUR


def test_alarms_at_an_hour_and_at_a_day_once_it_lasts(store: Store) -> None:
    stand(store, 5, NOW, NOW)
    assert watch(store, NOW + 59 * MINUTE) == []
    assert watch(store, NOW + 61 * MINUTE) == []  # a clock that was set needs one pull to be right
    assert watch(store, NOW + 63 * MINUTE) == ["archive.lag.1h"]
    assert watch(store, NOW + 25 * HOUR) == ["archive.lag.1h", "archive.lag.24h"]
    stand(store, 5, NOW + 25 * HOUR, NOW + 25 * HOUR)
    assert watch(store, NOW + 25 * HOUR + MINUTE) == []
    assert watch(store, NOW + 30 * HOUR) == []
    assert watch(store, NOW + 30 * HOUR + 2 * MINUTE) == ["archive.lag.1h"]


@pytest.mark.parametrize(
    ("silence", "first", "found"),
    [
        (4 * DAY, 9, [(5, 9)]),  # a jump after so long may be a loss
        (4 * DAY, 6, []),  # nothing is missing
        (2 * DAY, 9, []),  # seqs jump by themselves
    ],
)
def test_a_gap_is_written_down(store: Store, silence: timedelta, first: int, found: list[tuple[int, int]]) -> None:
    with store.write() as session:
        note_gap(session, CursorPosition("ww1", 5, pulled_at=NOW - silence), first, NOW)
    with store.read() as session:
        assert [(gap.after_seq, gap.before_seq) for gap in gaps(session)] == found
        assert [alarm.name for alarm in alarms(session)] == ["archive.gap"] * len(found)


@pytest.mark.parametrize(("then", "left"), [(9, [(5, 9)]), (6, [])])
def test_a_silence_that_brings_nothing_yet_is_settled_by_what_comes(
    store: Store, then: int, left: list[tuple[int, int]]
) -> None:
    with store.write() as session:
        note_gap(session, CursorPosition("ww1", 5, pulled_at=NOW - 4 * DAY), None, NOW)
    with store.read() as session:
        assert [(gap.after_seq, gap.before_seq) for gap in gaps(session)] == [(5, 0)]
    with store.write() as session:
        note_gap(session, CursorPosition("ww1", 5, pulled_at=NOW), then, NOW + MINUTE)
    with store.read() as session:
        assert [(gap.after_seq, gap.before_seq) for gap in gaps(session)] == left
        assert bool(alarms(session)) == bool(left)


def test_nothing_is_missed_at_the_first_pull_ever(store: Store) -> None:
    with store.write() as session:
        note_gap(session, CursorPosition("ww1", 0, pulled_at=None), 900, NOW)
        note_gap(session, CursorPosition("ww1", 0, pulled_at=NOW - 9 * DAY), None, NOW)
    with store.read() as session:
        assert gaps(session) == []


def test_an_outage_longer_than_the_archive_is_kept(system: System, sandbox: Town) -> None:
    who = sandbox.control.add_customer(AGENT, "李女士", welcome=False)["external_userid"]
    sandbox.control.say(who, AGENT, "读得到")
    pull(system)
    assert gaps_of(system) == []
    for _ in range(3):
        sandbox.control.say(who, AGENT, "没等到我们来读")
    clock.move_forward(timedelta(days=6))
    sandbox.control.say(who, AGENT, "后来的")
    assert pull(system).rows == 1
    assert gaps_of(system) == [(1, 5)]
    told = [line for line in system_status(system, clock.now()) if line.what == "存档缺口"]
    assert len(told) == 1
    assert (told[0].level, "seq 1 之后到 5 之前" in told[0].value) == ("warn", True)


def gaps_of(system: System) -> list[tuple[int, int]]:
    with system.store.read() as session:
        return [(gap.after_seq, gap.before_seq) for gap in gaps(session)]
