"""The story's chapter on mass messages: made once for several customers, confirmed by the agent, proven for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import tomlkit
from sqlalchemy import select

from bot.agents.manual_enrolment import enrol_by_hand
from bot.commands.demo.steps import Story, has_settled
from bot.customers.state import load_customer
from bot.platform import clock
from bot.platform.models import Customer, Follow, SopTask

AGENT, SOP = "LinXiaoyu", "story-open-day"
SAID = "这个周六下午两点，我们在线上办一次手机摄影开放日，免费听，想来的回复「报名」，我给您留位置。"
GUESTS = ("郑洁", "冯涛")


def mass_message(story: Story, config: Path) -> None:
    """Two customers go on an SOP that is sent as 企业群发; the agent confirms, and each one's result comes in."""
    _add_sop(config)
    story.step("config.toml 加一份群发跟进", "两秒内生效", lambda: _taken(story, config))
    guests = [str(story.control.add_customer(AGENT, name)["external_userid"]) for name in GUESTS]
    story.step("两位客户添加员工", "都已入库", lambda: _known(story, guests))
    story.control.move_clock(
        timedelta(minutes=20).total_seconds()
    )  # by then the welcome no longer counts as a conversation under way
    since = story.control.last_effect()
    _enrol(story, guests)
    due = story.step("按工作时间排好", "两人同一时刻", lambda: _due(story, guests))
    story.control.move_clock(max((due - clock.now()).total_seconds(), 0) + 2)
    time.sleep(2)  # the scheduler looks every second
    story.control.move_clock(30)  # a group send waits a while for more customers with the same text
    msgid = story.step("两人同一条话术", "合成一条群发任务，等员工确认", lambda: _made(story, since, len(guests)))
    story.control.confirm_group_send(AGENT, msgid)
    story.control.move_clock(timedelta(minutes=6).total_seconds())
    story.step("员工确认群发", "每位客户的结果都查到了", lambda: _results(story, guests), 40)


def _add_sop(config: Path) -> None:
    document = tomlkit.parse(config.read_text("utf-8"))
    step = {"after": "0m", "say": SAID}
    sop = {"id": SOP, "title": "开放日群发", "on": "@joined", "channel": "group-send", "steps": [step]}
    document["sops"].append(tomlkit.item(sop))
    config.write_text(tomlkit.dumps(document), "utf-8")


def _taken(story: Story, config: Path) -> tuple[None, str] | str:
    settings = story.system.settings
    taken = SOP in settings.sops and has_settled(config)
    return (None, f"版本 {settings.version}") if taken else f"仍按版本 {settings.version} 运行"


def _known(story: Story, guests: Sequence[str]) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        found = select(Follow.id).join(Customer).where(Customer.external_userid.in_(guests))
        count = len(session.scalars(found).all())
    return (None, f"{count} 位") if count == len(guests) else f"{count} 位"


def _enrol(story: Story, guests: Sequence[str]) -> None:
    with story.system.work() as work:
        for customer in work.session.scalars(select(Customer).where(Customer.external_userid.in_(guests))).all():
            enrol_by_hand(work, load_customer(work.session, customer), SOP, AGENT)


def _due(story: Story, guests: Sequence[str]) -> tuple[datetime, str] | str:
    with story.system.store.read() as session:
        mine = select(SopTask).join(Customer).where(Customer.external_userid.in_(guests))
        due = [task.due_at for task in session.scalars(mine) if task.enrolment.sop_id == SOP]
    if len(due) < len(guests):
        return f"{len(due)} 个任务"
    return max(due), f"{max(due).astimezone(story.system.settings.zone):%m-%d %H:%M}"


def _made(story: Story, since: int, count: int) -> tuple[str, str] | str:
    made = story.effect("group_send", since, lambda e: e["text"] and e["text"]["content"] == SAID)
    if made is None:
        return "沙盒里还没有群发任务"
    return (
        (made["msgid"], f"一条任务，{made['targets']} 位客户") if made["targets"] == count else str(made["targets"])
    )


def _results(story: Story, guests: Sequence[str]) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        mine = select(SopTask).join(Customer).where(Customer.external_userid.in_(guests))
        tasks = [task for task in session.scalars(mine) if task.enrolment.sop_id == SOP]
        said = "、".join(f"{task.customer.name} {task.state}（{task.outcome}）" for task in tasks)
    done = [task for task in tasks if task.state == "completed" and task.outcome == "group-send"]
    return (None, said) if len(done) == len(guests) else said or "没有任务"
