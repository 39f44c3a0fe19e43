"""Who waits for an answer, by the archive: in order or not, doubled, recalled, in groups; who is told, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.agents.chat import answer_agent
from bot.agents.reading import reader_of_agent
from bot.agents.waiting import RemindWaiting, remind_waiting
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Follow, Outbox
from bot.platform.work import Work
from tests.support.archived import CHEN, CONFIG, LIN, NOW, ROOM, WANG, Archived, arrive_in_every_order, said

SETTINGS = parse_settings(
    CONFIG
    + """
[workspace]
workdays = "everyday"

[welcome]
say = "{customer.name}您好，我是小林，平时有问题直接发给我就好"

[[waiting]]
remind_after = "10m"
leader_after = "30m"
""",
    examples=False,
)


@pytest.fixture
def archived(store: Store) -> Archived:
    return Archived(store, SETTINGS)


def since(archived: Archived, agent: str = LIN) -> datetime | None:
    follow = next(one for one in archived.rows(Follow) if one.agent.userid == agent)
    return follow.waiting_since


def answer(text: str = "开好发您", at: float = 0) -> bytes:
    return said(text, at, **{"from": LIN, "tolist": [WANG]})


def test_a_question_waits_until_it_is_answered(archived: Archived) -> None:
    archived.say("好的谢谢")
    assert since(archived) is None
    archived.say("发票怎么开", at=1)
    archived.say("在吗", at=2)
    assert since(archived) == NOW + timedelta(minutes=1)
    archived.arrive(answer(at=3))
    assert since(archived) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is decided asks no database
def test_every_order_in_batches_of_any_size_leaves_the_same_clock(archived: Archived) -> None:
    talk = [said("发票怎么开", 0), answer(at=1), said("几点下班", 2), said("谢谢", 3), said("能改时间吗", 4)]
    arrive_in_every_order(archived, talk)
    waits = {follow.waiting_since for follow in archived.rows(Follow)}
    assert waits == {NOW + timedelta(minutes=2)}


def test_a_recalled_question_waits_for_nothing_and_a_recalled_answer_answers_nothing(archived: Archived) -> None:
    msgid = archived.say("发票怎么开")
    archived.say("", at=1, action="recall", msgtype="revoke", revoke={"pre_msgid": msgid})
    assert since(archived) is None
    archived.say("几点下班", at=2)
    given = answer("六点", at=3)
    archived.arrive(given)
    assert since(archived) is None
    recall = {"pre_msgid": json.loads(given)["msgid"]}
    archived.say(
        "", at=4, **{"from": LIN, "tolist": [WANG], "action": "recall", "msgtype": "revoke", "revoke": recall}
    )
    assert since(archived) == NOW + timedelta(minutes=2)


def test_neither_a_welcome_nor_a_sticker_answers_and_a_group_asks_nobody(archived: Archived) -> None:
    archived.say("发票怎么开")
    archived.arrive(answer("王女士您好，我是小林，平时有问题直接发给我就好", at=1))
    archived.send("emotion", {"type": 1}, at=2, **{"from": LIN, "tolist": [WANG]})
    assert since(archived) == NOW
    archived.arrive(answer(at=3))
    archived.say("有人吗", at=4, roomid=ROOM, tolist=[LIN, CHEN])
    assert since(archived) is None


def test_a_colleague_who_answers_ends_the_wait(archived: Archived) -> None:
    archived.say("发票怎么开")
    archived.say("我来给您开", at=1, **{"from": CHEN, "tolist": [WANG]})
    assert since(archived) is None


def _remind(archived: Archived, minutes: float) -> list[tuple[str, dict[str, object]]]:
    with archived.store.write() as session:
        remind_waiting(Work(session, SETTINGS, NOW + timedelta(minutes=minutes)))
    rows = [row for row in archived.rows(Outbox) if row.kind.startswith("waiting")]
    return [(row.kind, row.payload) for row in rows]


def test_the_agent_is_told_after_ten_minutes_and_the_leader_after_thirty(archived: Archived) -> None:
    archived.say("发票怎么开")
    assert _remind(archived, 9) == []
    assert [kind for kind, _ in _remind(archived, 10)] == ["waiting"]
    assert [kind for kind, _ in _remind(archived, 29)] == ["waiting"]
    assert [kind for kind, _ in _remind(archived, 30)] == ["waiting", "waiting_leader"]
    assert len(_remind(archived, 300)) == 2, "each is told once of one wait"


def test_who_is_answered_in_time_is_no_reminder(archived: Archived) -> None:
    archived.say("发票怎么开")
    archived.arrive(answer(at=5))
    assert _remind(archived, 60) == []


def test_nobody_is_reminded_at_night(archived: Archived) -> None:
    night = datetime(2026, 1, 5, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai
    archived.say("发票怎么开", at=(night - NOW).total_seconds() / 60)
    assert _remind(archived, (night - NOW).total_seconds() / 60 + 60) == []
    morning = datetime(2026, 1, 6, 1, 10, tzinfo=UTC)  # 9:10, ten minutes of work
    assert len(_remind(archived, (morning - NOW).total_seconds() / 60)) == 1


def test_today_names_who_waits(archived: Archived) -> None:
    archived.say("发票怎么开")
    with archived.store.write() as session:
        agent = session.query(Agent).filter_by(userid=LIN).one()
        told = answer_agent(Work(session, SETTINGS, NOW + timedelta(minutes=25)), agent, "今日")
    assert "等了 25 分" in told
    assert "发票怎么开" in told


def test_who_may_not_read_any_more_is_not_told_a_customers_words(archived: Archived) -> None:
    archived.say("发票怎么开")
    (kept,) = [payload for _, payload in _remind(archived, 10)]
    told = []
    for left_at in (None, NOW):
        with archived.store.write() as session:
            agent = session.scalars(select(Agent).where(Agent.userid == LIN)).one()
            agent.left_at = left_at
            work, row = Work(session, SETTINGS, NOW + timedelta(minutes=10)), Outbox(payload=kept)
            listed = RemindWaiting().listed(work, row, reader_of_agent(session, agent.id, work.now))
            told.append(RemindWaiting().words(work, listed, "") if listed else "")
    assert "发票怎么开" in told[0]
    assert told[1] == ""
