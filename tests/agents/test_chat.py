"""What agents write to the app, on a real database: done, put off, moved, and only their own customers."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from bot.agents.chat import NOTHING_TO_DO, answer_agent
from bot.intake.events import answer_in_app
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, CallbackEvent, Placement, SopTask
from bot.platform.work import Work
from bot.system import System
from bot.wecom.text_parts import GOES_ON
from tests.support.engine import send_all
from tests.support.parts import Town
from tests.support.rows import known_agent
from tests.support.watch import AGENT, CONFIG, STEP, WHO, Watch, watch_with_card


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
    assert "移动 王海棠 有意向" in ask(watch, "帮助")  # an own customer, and a stage of this config


def test_a_bare_name_and_a_word_of_thanks_are_answered_in_kind(watch: Watch) -> None:
    assert "新线索" in ask(watch, "王海棠")
    assert "没看懂「他人」" in ask(watch, "他人")
    for words in ("好的", "收到", "谢谢"):
        assert ask(watch, words) == NOTHING_TO_DO


def test_done_and_put_off_by_name(watch: Watch) -> None:
    assert "没有「他人」" in ask(watch, "完成 他人")
    assert "11月21日 15:00" in ask(watch, "推迟 王海棠 明天下午3点")
    assert "记下了" in ask(watch, "完成 海棠")
    with watch.store.read() as session:
        assert task_of(session).state == "completed"
    assert "没有要做的" in ask(watch, "完成 王海棠")


def test_a_bare_number_shows_the_step_and_answers_a_question(watch: Watch) -> None:
    ask(watch, "今日")
    assert (STEP in ask(watch, "1"), "没有第 9 件" in ask(watch, "9")) == (True, True)
    with watch.store.write() as session:
        first = task_of(session)
        assert first.state == "delivered"  # looking does nothing
        own = ("id", "ref", "step")
        values = {c.key: getattr(first, c.key) for c in inspect(SopTask).columns if c.key not in own}
        session.add(SopTask(step=7, **values))
    assert "有好几件" in ask(watch, "完成 王海棠")
    assert "记下了" in ask(watch, "2")
    assert STEP in ask(watch, "1")  # the question was answered
    with watch.store.read() as session:
        states = session.scalars(select(SopTask.state).order_by(SopTask.step)).all()
        assert states == ["delivered", "completed"]


@pytest.mark.parametrize("deed", ["完成 1", "推迟 1 明天下午3点"])
def test_a_deed_is_taken_back_once(watch: Watch, deed: str) -> None:
    ask(watch, "今日")
    with watch.store.read() as session:
        before = state_of(session)
    ask(watch, deed)
    with watch.store.read() as session:
        assert state_of(session) != before
    assert "收回了" in ask(watch, "撤销")
    with watch.store.read() as session:
        assert state_of(session) == before
    assert "没有可以撤销的" in ask(watch, "撤销")


def test_a_move_is_taken_back(watch: Watch) -> None:
    ask(watch, "移动 王海棠 有意向")
    assert "回到「新线索」" in ask(watch, "撤销")
    with watch.store.read() as session:
        assert session.scalars(select(Placement.stage)).one() == "新线索"


LEAD = """
[[sops]]
id = "lead"
title = "线索跟进"
stage = "新线索"
stop = ["moved"]
  [[sops.steps]]
  say = "还在考虑吗"
"""
KEEN = LEAD.replace("lead", "keen").replace("线索跟进", "意向跟进").replace("新线索", "有意向")


def test_moving_and_taking_back_say_what_starts_stops_and_goes_on(watch: Watch) -> None:
    watch.settings = parse_settings(CONFIG + LEAD + KEEN)
    assert ask(watch, "移动 王海棠 有意向").splitlines()[1:] == ["开始：意向跟进"]
    assert ask(watch, "撤销").splitlines()[1:] == ["停止：意向跟进"]
    assert ask(watch, "移动 王海棠 有意向").splitlines()[1:] == ["恢复：意向跟进"]
    assert ask(watch, "移动 王海棠 新线索").splitlines()[1:] == ["开始：线索跟进", "停止：意向跟进"]
    assert ask(watch, "撤销").splitlines()[1:] == ["停止：线索跟进", "恢复：意向跟进"]


def test_what_has_gone_on_is_not_taken_back(watch: Watch) -> None:
    ask(watch, "完成 王海棠")
    watch.later(minutes=5)
    watch.say(content="好的，我看看")
    assert "收不回来了" in ask(watch, "撤销")
    with watch.store.read() as session:
        assert task_of(session).state == "replied"


def state_of(session: Session) -> dict[str, object]:
    task = task_of(session)
    return {column.key: getattr(task, column.key) for column in inspect(SopTask).columns}


def test_whoever_asks_twice_is_answered_twice_and_a_long_answer_goes_on(system: System, sandbox: Town) -> None:
    (system.environment.config).write_text(CONFIG, encoding="utf-8")
    long = "\n".join(f"{number}. 课程分三档，先看看目录，再决定学哪一档，不着急。" for number in range(80))
    for number, text in enumerate(("帮助", "帮助", long), 1):
        with system.work() as work:
            row = CallbackEvent(id=number, digest=str(number), name="text", raw_xml="", created_at=work.now,
                                received_at=work.now)  # fmt: skip
            answer_in_app(work, known_agent(work.session, AGENT, "林小雨", work.now), text, row)
    while send_all(system):
        pass
    sent = [effect["text"]["content"] for effect in sandbox.control.effects(0, "message")]
    assert sent[:2] == ["帮助", "帮助"]
    assert len(sent) > 3
    assert "\n".join(part.removesuffix(GOES_ON) for part in sent[2:]) == long
