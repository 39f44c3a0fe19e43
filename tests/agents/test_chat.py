"""What agents write to the app and press on cards, on a real database: done, put off, refused, and only their own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.agents.card_clicks import take_click
from bot.agents.chat import answer_agent
from bot.platform.config.settings import parse_settings
from bot.platform.database.store import Store
from bot.platform.models import Agent, CallbackEvent, Customer, Follow, Outbox, Placement, SopTask
from bot.platform.work import Work
from bot.wecom.events import CardClick
from tests.customers.test_behaviour import AGENT, FRIDAY, WHO, Watch
from tests.customers.test_behaviour import CONFIG as BASE


@pytest.fixture
def watch(store: Store) -> Watch:
    """王海棠 is a customer of LinXiaoyu, whose first card has been delivered; 他人 is another agent's."""
    watch = Watch(store, parse_settings(BASE))
    watch.contact("add_external_contact")
    with store.write() as session:
        customer = session.scalars(select(Customer)).one()
        customer.name = "王海棠"
        task = session.scalars(select(SopTask)).one()
        task.state, task.delivered_at = "delivered", FRIDAY
        stranger = Customer(external_userid="wmOTHER", name="他人", created_at=FRIDAY)
        colleague = Agent(key="chenguoan", userid="ChenGuoan", created_at=FRIDAY)
        session.add(Follow(agent=colleague, customer=stranger, added_at=FRIDAY))
    return watch


def ask(watch: Watch, text: str, userid: str = AGENT) -> str:
    with watch.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.userid == userid)).one()
        return answer_agent(Work(session, watch.settings, watch.now), agent, text)


def press(watch: Watch, key: str, **selected: str) -> tuple[SopTask, list[dict[str, object]]]:
    """Press a button; gives the task and what the card was then told."""
    chosen = tuple((question, (option,)) for question, option in selected.items())
    with watch.store.write() as session:
        task = session.scalars(select(SopTask)).one()
        event = CardClick(
            AGENT, key.format(task.id), f"task_{task.id}", "button_interaction", "code", chosen, False, 1
        )
        row = CallbackEvent(digest=key, name="template_card_event", raw_xml="", created_at=watch.now,
                            received_at=watch.now)  # fmt: skip
        session.add(row)
        session.flush()
        take_click(Work(session, watch.settings, watch.now), event, row)
        session.flush()
        changes = session.scalars(select(Outbox).where(Outbox.kind == "card_change").order_by(Outbox.id))
        return task, [change.payload for change in changes]


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


def test_pressed_sent(watch: Watch) -> None:
    task, changes = press(watch, "sent:{}")
    assert (task.state, task.outcome) == ("completed", "ticked")
    assert changes[0]["settled"] == "已发送"


def test_later_asks_when_and_puts_off(watch: Watch) -> None:
    task, changes = press(watch, "later:{}")
    assert task.state == "delivered"
    assert "choice" in changes[0]
    task, changes = press(watch, "delay:{}", when="1h")
    assert (task.state, task.due_at) == ("planned", FRIDAY + timedelta(hours=1))
    assert "已推迟到" in str(changes[1]["settled"])


def test_unfit_asks_why_and_is_counted(watch: Watch) -> None:
    press(watch, "unfit:{}")
    task, _ = press(watch, "reject:{}", why="wording")
    assert (task.state, task.rejected_because) == ("cancelled", "wording")
    assert task.ended_because == "员工认为不合适：话术不合适"


def test_a_button_of_a_settled_task_only_brings_the_card_up_to_date(watch: Watch) -> None:
    press(watch, "sent:{}")
    task, changes = press(watch, "later:{}")
    assert task.state == "completed"
    assert changes[1]["settled"] == "已发送"


def test_what_is_not_understood_is_helped(watch: Watch) -> None:
    assert "没看懂「天气」" in ask(watch, "天气")
    assert WHO not in ask(watch, "帮助")
