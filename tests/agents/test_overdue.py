"""What happens about prompts that nobody follows: reminders, then the leader, in work hours."""

from __future__ import annotations

from datetime import timedelta

from bot.agents.daily_list import put_daily_lists
from bot.agents.overdue import nudge_overdue
from bot.platform import clock
from bot.platform.database.store import Store
from bot.platform.models import SopTask
from bot.platform.work import Work
from bot.sandbox.company import LEADER
from bot.system import System
from tests.support.engine import Engine, engine, local, send_all
from tests.support.parts import AGENT, Town
from tests.support.prompted import CONFIG, prompted


def nudge(world: Engine) -> list[tuple[str, list[int]]]:
    """What is put out now: to whom, about which tasks."""
    with world.store.write() as session:
        work = Work(session, world.settings, world.now)
        nudge_overdue(work)
        return [(row.payload["to"], row.payload["task_ids"]) for row in work.leaving]


def test_two_reminders_then_the_leader_then_nothing(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    task = prompted(world)
    told = {}
    for hour in range(1, 24):
        world.now = local("2026-05-12T10:00") + timedelta(hours=hour)
        told[hour] = [to for to, _ in nudge(world)]
    assert {hour: to for hour, to in told.items() if to} == {2: ["agent"], 4: ["agent"], 5: ["leader"]}
    with store.read() as session:
        row = session.get_one(SopTask, task)
        assert (len(row.reminded), row.told_leader_at) == (2, local("2026-05-12T15:00"))


def test_what_falls_due_at_night_waits_for_work_hours(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T20:30")
    prompted(world)
    asked = []
    for minutes in range(0, 16 * 60, 10):
        world.now = local("2026-05-12T20:30") + timedelta(minutes=minutes)
        asked += [(to, world.now) for to, _ in nudge(world)]
    assert asked[0] == ("leader", local("2026-05-13T09:00"))  # of two at one time the leader's comes first
    assert all(not world.settings.calendar.shifts(at) for _, at in asked)


def test_one_message_tells_of_all_and_of_none_twice(store: Store) -> None:
    world = engine(store, CONFIG, "2026-05-12T10:00")
    tasks = [prompted(world) for _ in range(3)]
    world.change(tasks[2], state="completed")
    world.later(hours=2)
    assert nudge(world) == [("agent", tasks[:2])]
    assert nudge(world) == []
    world.later(minutes=5)
    assert nudge(world) == []


def test_it_arrives_on_the_phones(system: System, sandbox: Town) -> None:
    present = local("2027-03-03T10:00")  # later than any present: the clock only moves forward
    clock.move_forward(present - clock.now())
    system.environment.config.write_text(CONFIG.replace("china", "everyday"), encoding="utf-8")
    world = Engine(system.store, system.settings, clock.now(), AGENT)
    world.change(prompted(world), delivered_at=world.now)
    world.later(minutes=31)  # the list of the day keeps its distance from a card
    clock.move_forward(world.now - clock.now())
    since = sandbox.control.last_effect()
    with system.store.write() as session:
        assert put_daily_lists(Work(session, world.settings, world.now)) == 1
    send_all(system)
    cards = [one["template_card"] for one in sandbox.control.effects(since, "message") if "template_card" in one]
    (card,) = [card for card in cards if card["task_id"].startswith("day_")]
    assert card["main_title"]["title"] == "3月3日要跟进 1 件，其中 1 件已提醒过"
    world.later(hours=5)
    assert [to for _ in range(2) for to, _ in nudge(world)] == ["agent", "leader"]
    clock.move_forward(world.now - clock.now() + timedelta(seconds=1))
    send_all(system)
    messages = sandbox.control.effects(since, "message")
    texts = {one["userid"]: one["text"]["content"] for one in messages if "text" in one}
    (card,) = [
        one["template_card"] for one in messages if one.get("template_card", {}).get("task_id", "")[:5] == "nudge"
    ]
    assert card["horizontal_content_list"][0]["value"] == "5 小时前提醒过，还没有跟进"
    assert [button["text"] for button in card["button_list"]] == ["看话术去发", "已发送", "稍后", "不合适"]
    assert [row.task_id for row in world.outbox("nudge")][:1] == [world.outbox("card")[0].task_id]
    assert texts[LEADER].startswith("林小雨 有 1 件跟进过了时间还没有做")


def test_who_has_followed_meanwhile_is_not_reminded(system: System, sandbox: Town) -> None:
    clock.move_forward(local("2027-03-03T10:00") - clock.now())
    system.environment.config.write_text(CONFIG.replace("china", "everyday"), encoding="utf-8")
    world = Engine(system.store, system.settings, clock.now(), AGENT)
    task = prompted(world)
    world.later(hours=2)
    assert nudge(world) == [("agent", [task])]
    world.change(task, state="completed")
    clock.move_forward(timedelta(hours=2, seconds=1))
    since = sandbox.control.last_effect()
    send_all(system)
    assert [one for one in sandbox.control.effects(since, "message") if "text" in one] == []
    assert [row.error for row in world.outbox("nudge")] == ["都已经跟进了，不用再催"]
