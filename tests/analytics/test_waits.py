"""The report on waiting: each question to whom it was asked, in working time, unanswered ones included."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.analytics.reports import REPORTS
from bot.analytics.table import ReportScope, ReportTable
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Message
from tests.support.rows import Rows
from tests.support.site import CONFIG

NOW = datetime.fromisoformat("2026-03-04T12:00:00+00:00")  # Wednesday, 20:00 in Shanghai
SETTINGS = parse_settings(CONFIG)


def tables(store: Store, agents: set[int] | None = None) -> dict[str, ReportTable]:
    scope = ReportScope(NOW - timedelta(days=7), NOW, None if agents is None else frozenset(agents))
    with store.read() as session:
        return {table.name: table for table in REPORTS["waits"][1](session, SETTINGS, scope)}


@pytest.fixture
def told(store: Store) -> tuple[int, int]:
    """林 answers some questions, the next morning one of them, and leaves another alone; 陈 answers for 林 once."""
    with store.write() as session:
        rows = Rows(session, NOW)
        lin, chen = rows.agent("林"), rows.agent("陈")
        asked, alone, night = (rows.customer(name, None, lin) for name in ("甲", "乙", "丙"))

        def say(customer: Customer, text: str, at: str, agent: Agent | None = None) -> Message:
            message = rows.message(customer, text, agent)
            message.sent_at = datetime.fromisoformat(f"2026-{at}:00+08:00")
            message.agent_id = (agent or lin).id
            return message

        say(asked, "发票怎么开", "03-03T10:00")
        say(asked, "在吗", "03-03T10:03")
        say(asked, "今天就开好发您", "03-03T10:06", lin)
        say(asked, "好的谢谢", "03-03T10:07")  # asks nothing
        say(asked, "几点能发", "03-03T15:00")
        say(asked, "三点半", "03-03T15:30", chen)
        say(alone, "还能退吗", "03-04T10:00")
        say(night, "多少钱", "03-02T20:50")
        say(night, "分三档，我发您看看", "03-03T09:20", lin)
        old = rows.customer("丁", None, lin)
        say(old, "发票怎么开", "01-03T10:00")
        say(old, "明天能到吗", "03-03T10:00")
        say(old, "能到", "03-03T10:02", lin)
        taken_back = say(alone, "别的也能退吗", "03-04T11:00")
        taken_back.revoked_at = NOW
        return lin.id, chen.id


def test_each_wait_counts_for_whom_it_was_asked_in_working_time(store: Store, told: tuple[int, int]) -> None:
    table = tables(store)["waits-agents"]
    minutes = 60.0
    # 甲: 6 first, 30 by 陈; 丙: 10 in the evening and 20 in the morning; 乙: none; 丁: no first answer, asked before
    assert table.rows == [["林", 5, 4, 1, 18 * minutes, 16 * minutes, None, 1]]
    assert table.values["n"] == 5
    assert tables(store, {told[1]})["waits-agents"].rows == []


def test_hours_and_weekdays_are_those_of_the_workspace(store: Store, told: tuple[int, int]) -> None:
    found = tables(store)
    assert [row[:4] for row in found["waits-hours"].rows] == [
        ["10:00", 3, 2, 1],
        ["15:00", 1, 1, 0],
        ["20:00", 1, 1, 0],
    ]
    assert [row[:4] for row in found["waits-days"].rows] == [
        ["周一", 1, 1, 0],
        ["周二", 3, 3, 0],
        ["周三", 1, 0, 1],
    ]
