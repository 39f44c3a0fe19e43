"""A card whose step has ended is closed on the phone at once, wherever it ended; a customer has one open step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.agents.chat import answer_agent
from bot.agents.task_answers import decline, postpone
from bot.customers.identity import find_agents
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import Outbox, SopTask
from bot.platform.work import Work
from bot.privacy.erasure import erase
from bot.sops.follow_up import CustomerEvent, follow_up
from bot.sops.prompt_cards import SendPromptCard
from bot.system import System
from tests.support.engine import send_all
from tests.support.mass import Mass
from tests.support.parts import AGENT, Town

FIRST, ANSWER = "第一句话，想问问您平时喜欢拍些什么", "课程分三档，先看看目录，再决定学哪一档"
CONFIG = f"""
[workspace]
workdays = "everyday"
work_hours = "00:00-23:59"

[budget]
customer = "9/day"
talk_hold = "0m"
agent_gap = "0m"

[[tags]]
group = "进展"
names = ["要资料", "问价", "成交了"]

[[sops]]
id = "hello"
on = "tag:要资料"
stop = ["reply", "left", "tag:成交了"]
cap = "9/day"
  [[sops.steps]]
  anytime = true
  valid_for = "1d"
  say = "{FIRST}"
  [[sops.steps]]
  after = "2h"
  say = "第二句话，再问一次"

[[sops]]
id = "price"
on = "tag:问价"
stop = ["left"]
  [[sops.steps]]
  anytime = true
  say = "{ANSWER}"
"""
Deed = Callable[[Mass, Work, SopTask], object]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def mass(files: Path, system: System, sandbox: Town) -> Mass:
    """One customer, whose agent has a card about the first step on the phone."""
    assert files.exists()
    mass = Mass(system, sandbox.control)
    mass.meet(1)
    mass.work()
    mass.start(tag="要资料")
    mass.later(seconds=1)
    mass.work()
    assert state_of(mass, 0) == "delivered"
    return mass


def tasks(mass: Mass) -> list[SopTask]:
    with mass.system.store.read() as session:
        return list(session.scalars(select(SopTask).order_by(SopTask.id)))


def state_of(mass: Mass, number: int) -> str:
    return tasks(mass)[number].state


def do(mass: Mass, deed: Deed) -> None:
    with mass.system.store.write() as session:
        task = session.scalars(select(SopTask).order_by(SopTask.id)).first()
        assert task is not None
        deed(mass, Work(session, mass.system.settings, clock.now()), task)
    send_all(mass.system)


def labels(mass: Mass) -> list[str]:
    return [effect["button"]["replace_name"] for effect in mass.phone.effects(0, "card_update")]


def chat(text: str) -> Deed:
    def write(mass: Mass, work: Work, task: SopTask) -> None:
        answer_agent(work, find_agents(work.session, [AGENT], work.now)[AGENT.casefold()], text)

    return write


def happened(**what: Any) -> Deed:
    return lambda mass, work, task: follow_up(
        work, load_customer(work.session, task.customer), CustomerEvent("test", **what)
    )


@pytest.mark.parametrize(
    ("deed", "label"),
    [
        pytest.param(
            lambda mass, work, task: decline(work, task, "timing"), "员工认为不合适：时机不对", id="declined"
        ),
        pytest.param(lambda mass, work, task: postpone(work, task, "2h"), "已推迟", id="put off"),
        pytest.param(chat("完成 1"), "已发送", id="ticked off in the chat"),
        pytest.param(chat("推迟 1 明天"), "已推迟", id="put off in the chat"),
        pytest.param(happened(happenings=["left"]), "客户已删除员工或员工已离开", id="left"),
        pytest.param(happened(happenings=["opted-out"]), "客户表示不想再收到消息", id="opted out"),
        pytest.param(happened(tags=["成交了"]), "客户带上了标签「成交了」", id="stopped by a tag"),
    ],
)
def test_a_card_is_closed_wherever_its_step_ends(mass: Mass, deed: Deed, label: str) -> None:
    do(mass, deed)
    assert labels(mass) == [label]


def test_the_card_of_who_is_erased_is_closed_and_names_nobody(mass: Mass) -> None:
    erase(mass.system, mass.who[0], "admin", clock.now())
    send_all(mass.system)
    assert labels(mass) == ["客户资料已删除"]
    (row,) = mass.rows("card_change")
    assert (row.state, row.customer_id, row.task_id) == ("sent", None, None)
    assert mass.who[0] not in str(row.payload)


def test_a_card_is_closed_by_the_archive_and_by_time(mass: Mass) -> None:
    mass.phone.send(AGENT, mass.who[0], "text", content=FIRST)
    mass.work()
    assert labels(mass) == ["已发送"]
    mass.meet(1)
    mass.start(mass.who[1], tag="要资料", cause="second")
    mass.later(seconds=1)
    mass.work()
    mass.later(hours=30)
    mass.work()
    assert "已过期" in labels(mass) or "已由下一步代替" in labels(mass)


def test_what_can_be_changed_no_more_gets_a_word(mass: Mass) -> None:
    do(mass, lambda mass, work, task: setattr(task, "expires_at", work.now.replace(year=work.now.year + 1)))
    with mass.system.store.write() as session:
        for task in session.scalars(select(SopTask).where(SopTask.state == "planned")):
            task.state = "cancelled"
    mass.later(hours=73)
    before = mass.phone.last_effect()
    do(mass, happened(happenings=["left"]))
    assert labels(mass) == []
    words = mass.phone.effects(before, "message")
    assert ["客户已删除员工或员工已离开" in str(effect) for effect in words] == [True]


def test_a_step_that_ended_while_its_card_was_on_the_way_has_a_closed_card(mass: Mass) -> None:
    def end_unnoticed(mass: Mass, work: Work, task: SopTask) -> None:
        task.state, task.ended_because = "cancelled", "客户已回复"
        row = work.session.scalars(select(Outbox).where(Outbox.task_id == task.id, Outbox.kind == "card")).one()
        SendPromptCard().conclude(work, mass.system, row, {})

    do(mass, end_unnoticed)
    assert labels(mass) == ["客户已回复"]


def test_the_next_step_takes_the_place_of_one_that_was_not_sent(mass: Mass) -> None:
    mass.later(hours=2, minutes=1)
    mass.work()
    assert [task.state for task in tasks(mass)] == ["expired", "delivered"]
    assert labels(mass) == ["已由下一步代替"]


def test_an_answer_the_customer_waits_for_goes_first_and_the_other_comes_again(mass: Mass) -> None:
    mass.start(tag="问价", cause="asked")
    mass.later(seconds=1)
    mass.work()
    first, _, answer = tasks(mass)
    assert (first.state, answer.state) == ("planned", "delivered")
    assert labels(mass) == ["稍后再提醒"]
    mass.phone.send(AGENT, mass.who[0], "text", content=ANSWER)
    mass.later(seconds=1)
    mass.work()
    mass.later(seconds=1)
    mass.work()
    assert (state_of(mass, 0), state_of(mass, 2)) == ("delivered", "completed")
