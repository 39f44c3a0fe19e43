"""The story's chapter on waiting: a question left alone is told to the agent, then to their leader; groups apart."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import tomlkit
from sqlalchemy import select

from bot.commands.demo.steps import Story, has_settled
from bot.platform import clock
from bot.platform.models import Customer, Follow, GroupChat, Message, SopTask
from sop.workcalendar import Workcalendar

AGENT, LEADER = "ChenGuoan", "WuTong"  # of whose customers nobody waits yet: an agent is reminded once a half hour
NAME, QUESTION = "何佳怡", "发票怎么开"
SOP = "price-nurture"
_ROOM_FOR = timedelta(hours=1)  # so much working time must be left of the day


def left_alone(story: Story, config: Path) -> None:
    """Nobody answers for ten working minutes: the agent is told; for thirty: their leader."""
    _add_table(config)
    story.step("config.toml 写上 [[waiting]]", "两秒内生效", lambda: _taken(story, config))
    _into_work_hours(story)
    who = str(story.control.add_customer(AGENT, NAME)["external_userid"])
    story.step("客户添加员工", "已入库", lambda: _known(story, who))
    since = story.control.last_effect()
    story.control.say(who, AGENT, QUESTION)
    story.step(f"客户问「{QUESTION}」，没人回", "开始计时", lambda: _waits(story, who))
    _pass(story, timedelta(minutes=10, seconds=5))
    story.step("过了 10 分钟工作时间", "提醒员工", lambda: _told(story, since, AGENT), 40)
    _pass(story, timedelta(minutes=20))
    story.step("过了 30 分钟工作时间", "告诉上级", lambda: _told(story, since, LEADER), 40)
    story.control.say(AGENT, who, "把抬头和税号发我，今天就能开好。")
    story.step("员工回复", "不等了", lambda: _answered(story, who))


def word_in_a_group(story: Story) -> None:
    """What a customer says in a group stops nothing of what was planned for the talk between two."""
    who = str(story.control.add_customer(AGENT, "罗文博")["external_userid"])
    story.control.say(who, AGENT, "课程多少钱呀")
    count = story.step("客户单聊问价格", "计划好跟进", lambda: _planned(story, who))
    room = {"owner": AGENT, "name": "摄影交流群", "members": [AGENT, who]}
    chat_id = str(story.control.post("rooms", room)["chat_id"])
    story.control.post("say-in-room", {"chat_id": chat_id, "from": who, "content": "大家周末去哪里拍呀"})
    story.step("同一位客户在群里说话", "群里的话已入库", lambda: _heard(story, chat_id))
    story.step("单聊的跟进", "一步不少", lambda: _still(story, who, count))
    story.step("群里的问题", "记在群上，不算单聊在等", lambda: _group_waits(story, chat_id, who))


def _add_table(config: Path) -> None:
    document = tomlkit.parse(config.read_text("utf-8"))
    tables = tomlkit.aot()
    tables.append(tomlkit.item({"remind_after": "10m", "leader_after": "30m"}))
    document["waiting"] = tables
    config.write_text(tomlkit.dumps(document), "utf-8")


def _taken(story: Story, config: Path) -> tuple[None, str] | str:
    settings = story.system.settings
    taken = bool(settings.tables.waiting) and has_settled(config)
    return (None, f"版本 {settings.version}") if taken else f"仍按版本 {settings.version} 运行"


def _into_work_hours(story: Story) -> None:
    """Move to a time with enough of a working day ahead."""
    calendar = story.system.settings.calendar
    at = calendar.next_slot(clock.now())
    if _closes_soon(calendar, at):
        at = calendar.next_slot(at + _ROOM_FOR)
    story.control.move_clock(max((at - clock.now()).total_seconds(), 0) + 60)


def _closes_soon(calendar: Workcalendar, at: datetime) -> bool:
    return calendar.next_slot(at + _ROOM_FOR) != at + _ROOM_FOR


def _pass(story: Story, length: timedelta) -> None:
    story.control.move_clock(length.total_seconds())
    story.system.queue.enqueue_once("timers")  # else it comes within a quarter of a minute


def _known(story: Story, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        found = session.scalar(select(Customer).where(Customer.external_userid == who))
        return (None, found.name) if found is not None and found.name else "还没有"


def _follow(story: Story, who: str) -> Follow | None:
    with story.system.store.read() as session:
        return session.scalar(select(Follow).join(Customer).where(Customer.external_userid == who))


def _waits(story: Story, who: str) -> tuple[None, str] | str:
    follow = _follow(story, who)
    if follow is None or follow.waiting_since is None:
        return "没有计时"
    return None, f"从 {follow.waiting_since.astimezone(story.system.settings.zone):%H:%M} 等起"


def _answered(story: Story, who: str) -> tuple[None, str] | str:
    follow = _follow(story, who)
    return (None, "计时停了") if follow is not None and follow.waiting_since is None else "还在计时"


def _told(story: Story, since: int, userid: str) -> tuple[None, str] | str:
    sent = story.effect(
        "message", since, lambda e: e["userid"] == userid and NAME in e.get("text", {}).get("content", "")
    )
    return (None, f"{userid}：{sent['text']['content']}") if sent else f"{userid} 的手机上没有"


def _planned(story: Story, who: str) -> tuple[int, str] | str:
    count = _open(story, who)
    return (count, f"{count} 步") if count else "还没有任务"


def _open(story: Story, who: str) -> int:
    with story.system.store.read() as session:
        tasks = session.scalars(select(SopTask).join(Customer, Customer.id == SopTask.customer_id)
                                .where(Customer.external_userid == who)).all()  # fmt: skip
        return sum(task.enrolment.sop_id == SOP and task.state != "cancelled" for task in tasks)


def _heard(story: Story, chat_id: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        found = session.scalar(select(Message).where(Message.roomid == chat_id, Message.role == "customer"))
    return (None, f"「{found.text}」") if found is not None else "还没有入库"


def _still(story: Story, who: str, count: int) -> tuple[None, str] | str:
    left = _open(story, who)
    return (None, f"{left} 步都在") if left == count else f"只剩 {left} 步"


def _group_waits(story: Story, chat_id: str, who: str) -> tuple[None, str] | str:
    with story.system.store.read() as session:
        group = session.scalar(select(GroupChat).where(GroupChat.chat_id == chat_id))
    since = group.waiting_since if group is not None else None
    if since is None:
        return "群上没有计时"
    follow = _follow(story, who)
    alone = follow.waiting_since if follow is not None else None
    return "单聊从群里的话等起" if alone == since else (None, "群里在等，单聊照旧")
