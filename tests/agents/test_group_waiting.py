"""A question in a group that nobody answers: its owner is told, once, within work hours, until somebody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.agents.group_waiting import KIND, RemindGroupOwner, remind_group_owners
from bot.agents.reading import reader_of_agent
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import GroupChat, Outbox
from bot.platform.work import Work
from tests.support.archived import CHEN, CONFIG, LIN, NOW, ROOM, WANG, Archived

SETTINGS = parse_settings(
    CONFIG + '\n[workspace]\nworkdays = "everyday"\n\n[[waiting]]\ngroup_after = "15m"\n', examples=False
)


@pytest.fixture
def archived(store: Store) -> Archived:
    """A group of LinXiaoyu's, and a talk of WANG with them, whose words they may therefore read."""
    archived = Archived(store, SETTINGS)
    archived.say("好的谢谢", at=-60)
    archived.say("大家好", at=-50, roomid=ROOM, tolist=[WANG, CHEN], **{"from": LIN})
    with store.write() as session:
        group = session.scalars(select(GroupChat)).one()
        group.owner, group.name = LIN, "周末拍照群"
    return archived


def ask(archived: Archived, at: float = 0) -> None:
    archived.say("周六几点集合", at=at, roomid=ROOM, tolist=[LIN, CHEN])


def remind(archived: Archived, minutes: float) -> list[Outbox]:
    with archived.store.write() as session:
        remind_group_owners(Work(session, SETTINGS, NOW + timedelta(minutes=minutes)))
    return [row for row in archived.rows(Outbox) if row.kind == KIND]


def words(archived: Archived, row: Outbox, minutes: float) -> str | None:
    with archived.store.write() as session:
        work = Work(session, SETTINGS, NOW + timedelta(minutes=minutes))
        listed = RemindGroupOwner().listed(work, row, reader_of_agent(session, row.agent_id or 0, work.now))
        return RemindGroupOwner().words(work, listed, "") if listed else None


def test_the_owner_is_told_once_after_the_given_working_time(archived: Archived) -> None:
    ask(archived)
    assert remind(archived, 14) == []
    (row,) = remind(archived, 15)
    assert words(archived, row, 15) == "您的群里有人在等回复：\n「周末拍照群」等了 15 分「周六几点集合」"
    ask(archived, at=20)  # still the same wait
    assert len(remind(archived, 300)) == 1


def test_whoever_answers_ends_it(archived: Archived) -> None:
    ask(archived)
    (row,) = remind(archived, 15)
    archived.say("八点，东门见", at=16, roomid=ROOM, tolist=[WANG, LIN], **{"from": CHEN})
    assert words(archived, row, 17) is None
    ask(archived, at=60)
    assert len(remind(archived, 74)) == 1
    assert len(remind(archived, 75)) == 2, "another question is another wait"


def test_nobody_is_told_at_night(archived: Archived) -> None:
    night = (datetime(2026, 1, 5, 14, 0, tzinfo=UTC) - NOW).total_seconds() / 60  # 22:00 in Shanghai
    ask(archived, at=night)
    assert remind(archived, night + 60) == []
    assert len(remind(archived, night + 11 * 60 + 15)) == 1  # 9:15


def test_an_internal_group_and_one_without_our_owner_tell_nobody(archived: Archived) -> None:
    with archived.store.write() as session:
        session.scalars(select(GroupChat)).one().owner = "SomebodyElse"
    ask(archived)
    assert remind(archived, 60) == []
    with archived.store.write() as session:
        group = session.scalars(select(GroupChat)).one()
        group.owner, group.internal, group.waiting_since, group.clock = LIN, True, None, {}
    ask(archived, at=90)
    assert remind(archived, 180) == []
