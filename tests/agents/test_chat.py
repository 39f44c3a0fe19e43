"""What agents write to the app, on a real database: done, put off, moved, and only their own customers."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.chat import answer_agent
from bot.platform.database.store import Store
from bot.platform.models import Agent, Placement, SopTask
from bot.platform.work import Work
from tests.support.watch import AGENT, WHO, Watch, watch_with_card


@pytest.fixture
def watch(store: Store) -> Watch:
    return watch_with_card(store)


def ask(watch: Watch, text: str, userid: str = AGENT) -> str:
    with watch.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.userid == userid)).one()
        return answer_agent(Work(session, watch.settings, watch.now), agent, text)


def task_of(session: Session) -> SopTask:
    return session.scalars(select(SopTask)).one()


def test_the_day_is_listed_and_done_by_number(watch: Watch) -> None:
    assert "1. " in (listed := ask(watch, "今日"))
    assert "王海棠" in listed
    assert "记下了" in ask(watch, "完成 1")
    with watch.store.read() as session:
        task = task_of(session)
        assert (task.state, task.outcome) == ("completed", "ticked")
    assert "已经不用做了" in ask(watch, "完成1")
    assert "没有" in ask(watch, "完成 7")


def test_put_off_by_words(watch: Watch) -> None:
    ask(watch, "今日")
    assert "11月21日 15:00" in ask(watch, "推迟 1 明天下午3点")
    with watch.store.read() as session:
        task = task_of(session)
        assert task.state == "planned"
        assert task.due_at.hour == 7  # three in the afternoon in Shanghai


def test_a_customer_of_ones_own_and_nobody_elses(watch: Watch) -> None:
    assert "新线索" in ask(watch, "客户 王海棠")
    assert "没有「他人」" in ask(watch, "客户 他人")
    assert "没有「他人」" in ask(watch, "移动 他人 有意向")
    assert "没有「王海棠」" in ask(watch, "客户 王海棠", "ChenGuoan")


def test_a_card_moved_by_a_word(watch: Watch) -> None:
    assert "→ 有意向" in ask(watch, "移动 王海棠 有意向")
    with watch.store.read() as session:
        assert session.scalars(select(Placement.stage)).one() == "有意向"
    assert "阶段有" in ask(watch, "移动 王海棠 火星")


def test_what_is_not_understood_is_helped(watch: Watch) -> None:
    assert "没看懂「天气」" in ask(watch, "天气")
    assert WHO not in ask(watch, "帮助")
