"""An agent's own follow-ups by the chat: written down, told of, ended by what is said, listed, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.agents.chat import answer_agent
from bot.agents.own_reminders import KIND, RemindOfOwn, remind_of_own
from bot.agents.reading import reader_of_agent
from bot.platform.database.store import Store
from bot.platform.models import Agent, Customer, Follow, Note, Outbox, OwnFollowUp
from bot.platform.work import Work
from tests.support.watch import AGENT, FRIDAY, STEP, Watch, watch_with_card


@pytest.fixture
def watch(store: Store) -> Watch:
    return watch_with_card(store)


def ask(watch: Watch, text: str) -> str:
    with watch.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.userid == AGENT)).one()
        return answer_agent(Work(session, watch.settings, watch.now), agent, text)


def own(watch: Watch) -> OwnFollowUp:
    with watch.store.read() as session:
        return session.scalars(select(OwnFollowUp)).one()


def second_customer(watch: Watch, name: str) -> None:
    with watch.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.userid == AGENT)).one()
        customer = Customer(external_userid=f"wm{name}", name=name, created_at=FRIDAY)
        session.add(Follow(agent=agent, customer=customer, added_at=FRIDAY))


@pytest.mark.parametrize(
    "typed",
    [
        "提醒 王海棠 明天10点 发合同",
        "提醒王海棠明天10点发合同",
        "提醒我明天10点给王海棠发合同",
        "提醒：海棠，明天10点，发合同",
    ],
)
def test_a_reminder_is_written_down_in_one_line(watch: Watch, typed: str) -> None:
    assert "11月21日 10:00 提醒您：王海棠 发合同" in ask(watch, typed)
    row = own(watch)
    assert (row.words, row.state, row.due_at - FRIDAY) == ("发合同", "open", timedelta(days=1))


def test_it_is_told_at_its_time_once_and_only_what_is_still_open(watch: Watch) -> None:
    ask(watch, "提醒 王海棠 今晚23点 发合同")  # later than work hours: the agent named it
    watch.later(hours=13)
    with watch.store.write() as session:
        work = Work(session, watch.settings, watch.now)
        assert (remind_of_own(work), remind_of_own(work)) == (1, 0)
    with watch.store.write() as session:
        row = session.scalars(select(Outbox).where(Outbox.kind == KIND)).one()
        work = Work(session, watch.settings, watch.now)
        reader = reader_of_agent(session, row.agent_id or 0, watch.now)
        listed = RemindOfOwn().listed(work, row, reader)
        assert "王海棠：发合同" in RemindOfOwn().words(work, listed, "")
    watch.say("file", AGENT, filename="合同.pdf", sdkfileid="f", md5sum="0" * 32, filesize=1)
    assert (own(watch).state, own(watch).ended_by) == ("done", "evidence")
    with watch.store.write() as session:
        work, row = (
            Work(session, watch.settings, watch.now),
            session.scalars(select(Outbox).where(Outbox.kind == KIND)).one(),
        )
        assert RemindOfOwn().listed(work, row, reader_of_agent(session, row.agent_id or 0, watch.now)) == []


def test_a_reply_ends_what_waited_for_it_and_a_recall_opens_it_again(watch: Watch) -> None:
    ask(watch, "提醒 王海棠 明天10点 等客户回复")
    watch.later(minutes=5)
    watch.say(content="就报这个")
    assert (own(watch).state, own(watch).ended_by) == ("done", "reply")
    watch.later(minutes=1)
    msgid = own(watch).ended_msgid
    watch.recall(msgid or "")
    assert (own(watch).state, own(watch).ended_by) == ("open", None)


def test_the_day_lists_it_and_numbers_change_it(watch: Watch) -> None:
    ask(watch, "提醒 王海棠 下午3点 发合同")
    listed = ask(watch, "今日")
    assert ("发合同（自己记的）" in listed, STEP[:8] in listed) == (True, True)
    assert "改到 11月21日 15:00 提醒" in ask(watch, "推迟 2 明天下午3点")
    assert "又在单子里了" in ask(watch, "撤销")
    assert own(watch).due_at - FRIDAY == timedelta(hours=5)
    assert "做完了" in ask(watch, "完成 2")
    assert own(watch).state == "done"
    assert "又在单子里了" in ask(watch, "撤销")
    assert own(watch).state == "open"
    assert "发合同" in ask(watch, "客户 王海棠")


def test_a_reminder_and_a_note_are_taken_back(watch: Watch) -> None:
    ask(watch, "提醒 王海棠 明天10点 发合同")
    assert "不再提醒" in ask(watch, "撤销")
    assert own(watch).state == "dropped"
    assert "预算三万" in ask(watch, "备注 王海棠 预算三万，周末有空，喜欢 iPhone")
    with watch.store.read() as session:
        note = session.scalars(select(Note)).one()
        assert (note.text, note.author) == ("预算三万，周末有空，喜欢 iPhone", AGENT)
    assert "删掉了" in ask(watch, "撤销")
    with watch.store.read() as session:
        assert session.scalars(select(Note)).one().removed_at is not None


def test_a_name_that_fits_several_or_nobody_is_asked_back_with_choices(watch: Watch) -> None:
    second_customer(watch, "王海燕")
    asked = ask(watch, "提醒 王海 明天10点 发合同")
    assert ("1. 王海棠" in asked, "2. 王海燕" in asked) == (True, True)
    assert "王海燕 发合同" in ask(watch, "2")
    assert "是不是：" in ask(watch, "备注 王海堂 喜欢安静")
    assert "王海棠 的资料" in ask(watch, "1")
    assert "没有「赵六」" in ask(watch, "回复 赵六")
    assert "没有「他人」" in ask(watch, "提醒 他人 明天10点 发合同")
    assert STEP[:8] in ask(watch, "1") or "没有第" in ask(watch, "1")


def test_a_missing_time_is_asked_for_and_may_be_written_alone(watch: Watch) -> None:
    assert "什么时候提醒" in ask(watch, "提醒 王海棠 发合同")
    assert "11月21日 10:00 提醒您：王海棠 发合同" in ask(watch, "明天10点")
    assert "没看懂" in ask(watch, "天气")
    ask(watch, "提醒 王海棠 发报价")
    assert "今天要跟进" in ask(watch, "今天")
    ask(watch, "提醒 王海棠 发报价")
    assert "15:30 提醒您：王海棠 发报价" in ask(watch, "今天下午3点半")


def test_the_best_words_of_today(watch: Watch) -> None:
    assert STEP in ask(watch, "回复 王海棠")
    for word in ("提醒", "备注", "回复", "撤销"):
        assert word in ask(watch, "帮助")
